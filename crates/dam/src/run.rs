//! From words to exit code.

use std::ffi::OsString;
use std::sync::Arc;

use crate::args::{self, Global, Refusal};
use crate::bug;
use crate::commands;
use crate::exit::Exit;
use crate::invocation::Invocation;
use crate::surroundings::Surroundings;

/// Runs a command line, of which the first word is the program.
pub(crate) fn run(args: Vec<OsString>) -> Exit {
    let surroundings = Surroundings::capture();
    let invocation = Invocation::new(&args);
    let guess = guess(&args);
    let (out, err) = surroundings.streams(&guess);
    bug::install_hook(out, err, guess.json);
    match args::parse(args) {
        Ok(arguments) => {
            let ui = Arc::new(surroundings.ui(&arguments.global, invocation));
            let done = commands::run(arguments, surroundings, &ui);
            done.map_or_else(|error| ui.fail(&error), |()| Exit::Done)
        }
        Err(refusal) => {
            let ui = surroundings.ui(&guess, invocation);
            match refusal {
                Refusal::Help(text) => ui.answer(&text).map_or_else(|error| ui.fail(&error), |()| Exit::Done),
                Refusal::Misuse(error) => ui.fail(&error),
            }
        }
    }
}

/// Guesses how to speak about a command line that cannot be read.
fn guess(args: &[OsString]) -> Global {
    let has = |word: &str| args.iter().take_while(|arg| *arg != "--").any(|arg| arg == word);
    Global { json: has("--json"), ..Global::default() }
}
