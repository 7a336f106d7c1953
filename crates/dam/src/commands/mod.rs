//! One file per command: `dam X` is `commands/x.rs`, which calls `dam_core::ops::x`.

mod addrepo;
mod change;
mod completion;
mod create;
mod diff;
mod docs;
mod doctor;
mod engine;
mod export;
mod history;
mod import;
mod info;
mod install;
mod list;
mod listrepos;
mod man;
mod migrate;
mod modifyrepo;
mod pull;
mod purge;
mod push;
mod remove;
mod removerepo;
mod rollback;
mod save;
mod search;
mod upgrade;
mod verify;
mod version;

use std::sync::Arc;

use crate::args::{self, Arguments, Command};
use crate::context::Context;
use crate::error::CliError;
use crate::surroundings::Surroundings;
use crate::ui::Ui;

/// Runs a command.
pub(crate) fn run(arguments: Arguments, surroundings: Surroundings, ui: &Arc<Ui>) -> Result<(), CliError> {
    let Some(command) = arguments.command else { return ui.answer(&args::help()) };
    // These work on any machine in any state, so they come before the settings are read.
    let command = match command {
        Command::Completion(args) => return completion::run(ui, &args),
        Command::Version => return version::run(ui),
        Command::Man(args) => return man::run(ui, &args),
        Command::Docs(args) => return docs::run(ui, &args),
        command => command,
    };
    let context = Context::new(&arguments.global, surroundings, ui)?;
    context.ui.debug(&format!("root: {}", context.root()?.display()));
    let done = match command {
        Command::Create(args) => create::run(&context, &args),
        Command::Save(args) => save::run(&context, &args),
        Command::Install(args) => install::run(&context, &args),
        Command::Upgrade(args) => upgrade::run(&context, &args),
        Command::Rollback(args) => rollback::run(&context, &args),
        Command::Remove(args) => remove::run(&context, &args),
        Command::Export(args) => export::run(&context, &args),
        Command::Verify(args) => verify::run(&context, &args),
        Command::Pull(args) => pull::run(&context, &args),
        Command::Purge(args) => purge::run(&context, &args),
        Command::Addrepo(args) => addrepo::run(&context, &args),
        Command::Modifyrepo(args) => modifyrepo::run(&context, &args),
        Command::Removerepo(args) => removerepo::run(&context, &args),
        Command::Listrepos(args) => listrepos::run(&context, &args),
        Command::Engine(args) => engine::run(&context, &args),
        Command::Doctor(args) => doctor::run(&context, &args),
        Command::Migrate(args) => migrate::run(&context, &args),
        Command::Import(args) => import::run(&context, &args),
        Command::Push(args) => push::run(&context, &args),
        Command::Search(args) => search::run(&context, &args),
        Command::Info(args) => info::run(&context, &args),
        Command::Diff(args) => diff::run(&context, &args),
        Command::List(args) => list::run(&context, &args),
        Command::History(args) => history::run(&context, &args),
        Command::Completion(_) | Command::Version | Command::Man(_) | Command::Docs(_) => {
            unreachable!("these were run above, before the settings were read")
        }
    };
    done.map_err(|error| error.of_repos(&context.known_repos()))
}
