//! Commands that change what is installed.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use dam_core::app::Version;
use dam_core::ops::Target;
use dam_oci::Reference;

use super::{Asking, number};
use crate::duration;

/// Whether to ask, and whether to do anything at all.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Consent {
    /// Shows what would be done, and does nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Does not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// How long scripts may take, and whether the app must prove that it is well.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Trial {
    /// Limit for each script and for `health` to succeed (else 60s), such as 90s, 5m or 1h30m
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub(crate) timeout: Option<Duration>,
    /// Does not run the app's `health` script
    #[arg(long)]
    pub(crate) no_health: bool,
}

/// Installs an app from a file or by its name
///
/// A path begins with `/`, `./` or `../`, or ends in .dam, .tar, .tar.gz, .tgz or .tar.zst; anything else is a name. What a
/// configured repo has of that name is fetched, unless the store has it already, exactly so. When the app's install script
/// fails, everything is put back as it was.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam install ./shop-1.0.dam
  dam install shop:1.0 --yes
  dam install plant/mongodb
  dam install plant:5000/shop:1.0 --dry-run")]
pub(crate) struct Install {
    /// An archive, or [REPO/]NAME[:VERSION], where REPO is a repo or a server; without VERSION, the newest release
    #[arg(value_name = "FILE|NAME")]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) asking: Asking,
    /// Asks the other repos, too, where the default one does not have the name
    #[arg(long)]
    pub(crate) any_repo: bool,
    #[command(flatten)]
    pub(crate) consent: Consent,
    #[command(flatten)]
    pub(crate) trial: Trial,
}

/// Puts a newer version in the place of an installed app
///
/// The new version is loaded and checked before the old one is stopped. If it does not install or does not become
/// healthy, the old version runs again.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam upgrade ./shop-2.0.dam
  dam upgrade shop:2.0 --timeout 5m
  dam upgrade shop:3.0 --replace 1.0")]
pub(crate) struct Upgrade {
    /// An archive, or [REPO/]NAME[:VERSION], where REPO is a repo or a server; without VERSION, the newest release
    #[arg(value_name = "FILE|NAME")]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) asking: Asking,
    /// Asks the other repos, too, where the default one does not have the name
    #[arg(long)]
    pub(crate) any_repo: bool,
    #[command(flatten)]
    pub(crate) consent: Consent,
    #[command(flatten)]
    pub(crate) trial: Trial,
    /// The installed version that goes, where several versions are installed
    #[arg(long, value_name = "VERSION")]
    pub(crate) replace: Option<Version>,
    /// Takes a version older than the installed one, too
    #[arg(long)]
    pub(crate) allow_downgrade: bool,
}

/// Puts the previous version of an app back
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam rollback shop
  dam rollback shop:2.0")]
pub(crate) struct Rollback {
    /// NAME, or NAME:VERSION where several versions are installed: the one that goes
    pub(crate) app: Reference,
    #[command(flatten)]
    pub(crate) consent: Consent,
    #[command(flatten)]
    pub(crate) trial: Trial,
}

/// Removes an installed app
///
/// Runs the app's uninstall script, as it was when the app was installed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam remove shop
  dam remove shop:1.0 --keep-image")]
pub(crate) struct Remove {
    /// NAME, or NAME:VERSION where several versions are installed
    pub(crate) app: Reference,
    /// Removes the app even if its uninstall script fails
    #[arg(long)]
    pub(crate) force: bool,
    /// Leaves the image in the store
    #[arg(long)]
    pub(crate) keep_image: bool,
    #[command(flatten)]
    pub(crate) consent: Consent,
    /// Limit for the script, such as 90s, 5m or 1h30m
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub(crate) timeout: Option<Duration>,
}

/// Removes images of apps that are not installed
///
/// What is installed stays, and so does the previous version of each app, for `dam rollback`, unless `--all` is given.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam purge --dry-run
  dam purge --keep 0 --yes")]
pub(crate) struct Purge {
    /// Removes images that are no apps, and the previous versions `dam rollback` would go back to, too
    #[arg(long)]
    pub(crate) all: bool,
    /// How many of the newest versions of each app that are not installed stay
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = number)]
    pub(crate) keep: usize,
    #[command(flatten)]
    pub(crate) consent: Consent,
}

/// Takes over what DAM 1.x has installed
///
/// Reads the database of DAM 1.x and leaves it as it is. Running it again adds only what is new.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam migrate --dry-run
  dam migrate --from /home/robin/.dam")]
pub(crate) struct Migrate {
    /// Folder with the database, if it is not where DAM 1.x keeps it
    #[arg(long, value_name = "DIR")]
    pub(crate) from: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) consent: Consent,
}
