//! `dam import`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use dam_core::plan;

use super::{Asking, Consent, Trial};

/// What is done with apps that are changed already when a later one fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnFailure {
    /// All of them are put back
    #[default]
    Rollback,
    /// They stay as they are by then
    Stop,
}

impl From<OnFailure> for plan::OnFailure {
    fn from(wish: OnFailure) -> Self {
        match wish {
            OnFailure::Rollback => Self::Rollback,
            OnFailure::Stop => Self::Stop,
        }
    }
}

/// Brings this machine to what a product says: a bundle, or a list of apps
///
/// Apps that are missing are installed, others upgraded, those that are not in the product removed. Everything is loaded and
/// checked before anything that runs is touched; when one app fails, all of them are put back. An import that was cut off
/// while images were loaded goes on when it is started again.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam import /media/usb/site.dam
  dam import /media/usb/site.dam --dry-run
  dam import site.txt --keep-others --yes
  ssh packer dam export --all - | dam import - --yes")]
pub(crate) struct Import {
    /// A bundle, an archive of images, a list with one `name:version` a line, or `-` for standard input
    #[arg(value_name = "FILE|LIST|-")]
    pub(crate) product: PathBuf,
    #[command(flatten)]
    pub(crate) consent: Consent,
    #[command(flatten)]
    pub(crate) asking: Asking,
    /// Installs every app anew, also one that is there already; needed for a product without any app
    #[arg(long)]
    pub(crate) restore: bool,
    /// Leaves installed apps alone that are not in the product
    #[arg(long)]
    pub(crate) keep_others: bool,
    /// What is done with apps that are changed already when a later one fails
    #[arg(long, value_name = "WAY", value_enum, default_value_t)]
    pub(crate) on_failure: OnFailure,
    #[command(flatten)]
    pub(crate) trial: Trial,
    /// Accepted for DAM 1.x, and means nothing: a bundle is told by its content
    #[arg(long, hide = true)]
    pub(crate) all: bool,
}
