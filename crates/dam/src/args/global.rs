//! Options of every command.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Deserialize;

/// Options of every command.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Folder with dam's ledger, store and caches (or $DAM_ROOT)
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    /// Where images live (or $DAM_STORE): `auto` is Docker if there is a sign of it, else the built-in layout
    #[arg(long, global = true, value_name = "STORE")]
    pub(crate) store: Option<StoreChoice>,
    /// Prints the answer as one JSON document
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Says only what went wrong
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Says more
    #[arg(long, short = 'x', global = true)]
    pub(crate) debug: bool,
    /// When to use colours; $NO_COLOR is honoured
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Colour,
    /// How to show progress on stderr: `json` is one object a line
    #[arg(long, global = true, value_name = "HOW", default_value = "auto")]
    pub(crate) progress: Progress,
}

/// Where images live.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StoreChoice {
    #[default]
    Auto,
    Docker,
    Layout,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    #[default]
    Auto,
    Always,
    Never,
}

/// How to show progress.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Progress {
    #[default]
    Auto,
    Plain,
    Json,
    None,
}
