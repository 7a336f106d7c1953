//! `dam engine repo`.

use std::path::PathBuf;

use clap::Args;
use dam_pack::repo::Place;

use crate::args::Signing;

/// Makes a folder of packages a repository that apt, yum, dnf and zypper install from
///
/// Every .deb and .rpm below the folder is listed; the lists of both formats lie side by side in it, and the lines by which a
/// machine finds them are printed. On a stick or behind a web server, unsigned or signed. The same packages with the same key
/// give the same bytes; their time is the newest in the packages, or $SOURCE_DATE_EPOCH.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam engine repo /media/stick
  dam engine repo packages --key plant.asc --at https://packages.plant/dam
  dam engine repo packages --signer 'gpg -u plant' --public-key plant.asc")]
pub(crate) struct Repository {
    /// The folder with the packages
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Where the machines will find it: a folder, or an http:// or https:// address [default: DIR]
    #[arg(long, value_name = "PLACE")]
    pub(crate) at: Option<Place>,
    #[command(flatten)]
    pub(crate) signing: Signing,
    /// The public key of what the command signs with
    #[arg(long, value_name = "FILE", requires = "signer")]
    pub(crate) public_key: Option<PathBuf>,
}
