//! `dam engine`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Makes and installs packages of Docker Engine
///
/// One .deb and one .rpm, made of Docker's own static programs, install the same engine on any Linux distribution, without
/// internet.
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    after_help = "Examples:
  dam engine init               writes engine.toml, a recipe in which every setting is explained"
)]
pub(crate) struct Engine {
    #[command(subcommand)]
    pub(crate) command: EngineCommand,
}

/// What to do. In the order of a package's life.
#[derive(Debug, Subcommand)]
pub(crate) enum EngineCommand {
    Init(Init),
}

/// Writes a recipe in which every setting is explained
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam engine init
  dam engine init plant/engine.toml")]
pub(crate) struct Init {
    /// The recipe
    #[arg(default_value = RECIPE)]
    pub(crate) file: PathBuf,
}

/// Where a recipe is looked for.
const RECIPE: &str = "engine.toml";
