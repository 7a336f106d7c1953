//! One file per command: `dam X` is `commands/x.rs`, which calls `dam_core::ops::x`.

mod completion;
mod docs;
mod man;
mod version;

use std::sync::Arc;

use crate::args::{self, Arguments, Command};
use crate::context::{Context, Surroundings};
use crate::error::CliError;
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
    // Each arm goes when `commands/x.rs` is there.
    Err(CliError::new("unsupported", format!("this build of dam cannot do this: {command:?}")))
}
