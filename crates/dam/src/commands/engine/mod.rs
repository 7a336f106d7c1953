//! `dam engine`: one file per command, as above it.

mod build;
mod check;
mod explain;
mod fetch;
mod init;
mod install;
mod papers;
mod repo;

use crate::args::{Engine, EngineCommand};
use crate::context::Context;
use crate::error::CliError;

/// Runs one of them.
pub(super) fn run(context: &Context, args: &Engine) -> Result<(), CliError> {
    match &args.command {
        EngineCommand::Init(args) => init::run(context, args),
        EngineCommand::Fetch(args) => fetch::run(context, args),
        EngineCommand::Build(args) => build::run(context, args),
        EngineCommand::Check(args) => check::run(context, args),
        EngineCommand::Explain(args) => explain::run(context, args),
        EngineCommand::Repo(args) => repo::run(context, args),
        EngineCommand::Install(args) => install::run(context, args),
    }
}
