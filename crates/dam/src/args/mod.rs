//! The command line. The doc comments are the help; `docs/commands` and the man pages are made from them.

#![allow(rustdoc::broken_intra_doc_links, reason = "the doc comments here are help texts")]

mod asking;
mod change;
mod create;
mod doctor;
mod engine;
mod export;
mod generate;
mod global;
mod habits;
mod import;
mod misuse;
mod number;
mod pull;
mod push;
mod read;
mod repos;
mod search;
mod signing;

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

pub(crate) use asking::Asking;
pub(crate) use change::{Consent, Install, Migrate, Purge, Remove, Rollback, Trial, Upgrade};
pub(crate) use create::Create;
pub(crate) use doctor::Doctor;
pub(crate) use engine::{Build, Check, Engine, EngineCommand, Explain, Fetch, Init, InstallEngine, RECIPE, Repository};
pub(crate) use export::{Export, Place};
pub(crate) use generate::{Completion, Folder};
pub(crate) use global::{Colour, Global, Progress, StoreChoice};
pub(crate) use import::Import;
pub(crate) use pull::Pull;
pub(crate) use push::Push;
pub(crate) use read::{Diff, History, Info, List, Save, Verify};
pub(crate) use repos::{Addrepo, Listrepos, Modifyrepo, PasswordWord, Removerepo};
pub(crate) use search::Search;
pub(crate) use signing::Signing;

use number::number;

use crate::error::CliError;

/// A package manager for containers on machines without internet
///
/// An app is a container image with a /meta folder: scripts that install and uninstall it, configs, a description. dam
/// makes apps, moves them in files, installs, upgrades, rolls back and removes them, on a Docker engine or without one.
#[derive(Debug, Parser)]
#[command(
    name = "dam",
    version,
    max_term_width = 100,
    infer_long_args = false,
    after_help = "Examples:
  dam create ./shop               makes an app of the folder `shop`
  dam save shop:1.0               writes it to a file
  dam install ./shop-1.0.dam      installs it from the file, on a machine without internet
  dam list                        shows what is installed"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What to do. In the order of an app's life.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(visible_alias = "ce")]
    Create(Create),
    Save(Save),
    Pull(Pull),
    #[command(visible_alias = "ex")]
    Export(Export),
    #[command(visible_alias = "in")]
    Install(Install),
    #[command(visible_alias = "up")]
    Upgrade(Upgrade),
    Rollback(Rollback),
    #[command(visible_alias = "rm")]
    Remove(Remove),
    #[command(visible_alias = "ls")]
    List(List),
    #[command(visible_alias = "im")]
    Import(Import),
    #[command(visible_alias = "se")]
    Search(Search),
    Push(Push),
    Info(Info),
    History(History),
    Verify(Verify),
    Diff(Diff),
    Purge(Purge),
    #[command(visible_alias = "ar")]
    Addrepo(Addrepo),
    #[command(visible_alias = "mr")]
    Modifyrepo(Modifyrepo),
    #[command(visible_alias = "rr")]
    Removerepo(Removerepo),
    #[command(visible_alias = "lr")]
    Listrepos(Listrepos),
    Doctor(Doctor),
    Engine(Engine),
    Migrate(Migrate),
    Completion(Completion),
    /// Shows the version of dam
    Version,
    /// Writes the man pages into a folder
    #[command(hide = true)]
    Man(Folder),
    /// Writes the pages of docs/commands into a folder
    #[command(hide = true)]
    Docs(Folder),
}

/// Why a command line leads to no command.
pub(crate) enum Refusal {
    /// Help or the version was asked for: the text, with colours.
    Help(String),
    /// It makes no sense.
    Misuse(CliError),
}

/// Returns the definition of the command line, completed for help, docs and completions.
pub(crate) fn definition() -> clap::Command {
    let mut definition = Arguments::command();
    definition.build();
    definition
}

/// Reads a command line, of which the first word is the program.
pub(crate) fn parse(args: Vec<OsString>) -> Result<Arguments, Refusal> {
    let mut definition = Arguments::command();
    let args = habits::apply(&definition, args);
    let command = named(&definition, &args);
    let matches = definition.try_get_matches_from_mut(args).map_err(|fault| misuse::explain(&fault, &command))?;
    Arguments::from_arg_matches(&matches).map_err(|fault| misuse::explain(&fault, &command))
}

/// Returns the command a line names, such as `dam install` or `dam engine build`, however wrong the rest of it is.
fn named(definition: &clap::Command, args: &[OsString]) -> String {
    let words = args.iter().skip(1).filter_map(|arg| arg.to_str()).take_while(|arg| *arg != "--");
    let (mut command, mut name) = (definition, "dam".to_owned());
    for word in words {
        if let Some(found) = command.find_subcommand(word) {
            name = format!("{name} {}", found.get_name());
            command = found;
        }
    }
    name
}

/// Returns the help of `dam` itself, with colours.
pub(crate) fn help() -> String {
    Arguments::command().render_help().ansi().to_string()
}

#[cfg(test)]
mod tests {
    use super::{Arguments, Command, Refusal, parse};

    fn read(line: &str) -> Arguments {
        match parse(line.split(' ').map(Into::into).collect()) {
            Ok(arguments) => arguments,
            Err(Refusal::Help(text)) => panic!("help: {text}"),
            Err(Refusal::Misuse(error)) => panic!("{}", error.message),
        }
    }

    #[test]
    fn the_definition_is_sound() {
        use clap::CommandFactory;

        Arguments::command().debug_assert();
    }

    #[test]
    fn dam_1_spellings_are_understood() {
        for line in ["dam save a:1 --f x.dam", "dam save a:1 -f x.dam", "dam save a:1 -o x.dam"] {
            let Some(Command::Save(save)) = read(line).command else { panic!("{line}") };
            assert_eq!(save.output.as_deref(), Some(std::path::Path::new("x.dam")), "{line}");
        }
        for (line, force) in [("--force=true", true), ("--force=false", false), ("--force", true)] {
            let Some(Command::Remove(remove)) = read(&format!("dam rm a {line}")).command else { panic!("{line}") };
            assert_eq!(remove.force, force, "{line}");
        }
        assert!(matches!(read("dam ce ./x --multiversion=true").command, Some(Command::Create(_))));
        assert!(matches!(read("dam in ./x.dam").command, Some(Command::Install(_))));
    }

    #[test]
    fn global_options_stand_anywhere() {
        assert!(read("dam --json list").global.json);
        assert!(read("dam list --json").global.json);
        assert!(read("dam -x list").global.debug);
    }
}
