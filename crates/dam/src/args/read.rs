//! Commands that change nothing on the machine.

use std::path::PathBuf;

use clap::Args;
use dam_core::app::AppName;
use dam_core::ops::Target;
use dam_core::ops::diff::DiffTarget;
use dam_core::ops::info::Wanted;
use dam_core::ops::verify_file::VerifyTarget;

use super::{Asking, number};

/// Lists the installed apps
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam list
  dam list --labels
  dam list --raw | cut -d ';' -f 3,4")]
pub(crate) struct List {
    /// Rows for scripts, as DAM 1.x: id;image;name;version;repo;multiversion;family
    #[arg(long, conflicts_with_all = ["json", "labels"])]
    pub(crate) raw: bool,
    /// Shows family and multiversion, too
    #[arg(long)]
    pub(crate) labels: bool,
}

/// Says what is known of an app, an image or an archive
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam info shop
  dam info shop:2.0
  dam info ./shop-2.0.dam
  dam info site.dam
  dam info site.dam --app shop")]
pub(crate) struct Info {
    /// An installed app, an image, or an archive
    #[arg(value_name = "APP|IMAGE|FILE")]
    pub(crate) target: Target,
    /// Only this app of an archive, with all that is known of it
    #[arg(long, value_name = "NAME[:VERSION]")]
    pub(crate) app: Option<Wanted>,
}

/// Shows what was done on this machine
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam history
  dam history shop --log")]
pub(crate) struct History {
    /// Only of this app
    pub(crate) name: Option<AppName>,
    /// Shows what the scripts printed, too
    #[arg(long)]
    pub(crate) log: bool,
    /// Shows at most so many entries, the newest
    #[arg(long, value_name = "N", value_parser = number)]
    pub(crate) limit: Option<usize>,
}

/// Writes an app to a file that can be installed elsewhere
///
/// The file is a plain OCI layout in a tar: `docker load`, `podman load` and `skopeo` open it, too. It appears only when it
/// is complete. What a configured repo has goes straight into the file, byte for byte: no engine is needed for that.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam save shop:1.0
  dam save shop:1.0 --output /media/usb/shop.dam
  dam save plant/mongodb:3.6.20")]
pub(crate) struct Save {
    /// NAME of an installed app, [REPO/]NAME[:VERSION] of an image, or an archive of an older form to be written anew
    #[arg(value_name = "APP")]
    pub(crate) app: Target,
    #[command(flatten)]
    pub(crate) asking: Asking,
    /// The file [default: NAME-VERSION.CHECKSUM.dam in the current folder]
    #[arg(long, short, short_alias = 'f', alias = "f", value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// Compares what is installed with what the store holds, or checks all of a file
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam verify
  dam verify shop
  dam verify site.dam")]
pub(crate) struct Verify {
    /// One app, or a file [default: all installed apps]
    #[arg(value_name = "APP|FILE")]
    pub(crate) target: Option<VerifyTarget>,
}

/// Says how two products differ: their apps, versions, layers, bytes and scripts
///
/// A product is a bundle or another archive, a product list, or what is installed. A list knows names and versions only.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam diff installed site.dam
  dam diff installed site.dam --hooks
  dam diff old.dam site.dam --hooks mongodb
  dam diff installed site.txt --exit-code")]
pub(crate) struct Diff {
    /// The product before: a file, or the word `installed`
    #[arg(value_name = "FILE|installed")]
    pub(crate) old: DiffTarget,
    /// The product after: a file, or the word `installed`
    #[arg(value_name = "FILE|installed")]
    pub(crate) new: DiffTarget,
    /// Shows which lines of the scripts and configs under /meta changed, of all apps or of one; those of new apps, too
    #[arg(long, value_name = "APP", num_args = 0..=1)]
    #[allow(clippy::option_option, reason = "so does clap tell an option without a value from none")]
    pub(crate) hooks: Option<Option<AppName>>,
    /// Ends with 1 if the apps differ
    #[arg(long)]
    pub(crate) exit_code: bool,
}
