//! `dam search`.

use clap::Args;
use dam_core::ops::search::{Mask, Versions};
use dam_core::repo::RepoId;

use super::number::{ParseNumberError, number};

/// Looks for apps and images in registries
///
/// All repos are asked at once: Docker Hub by its search, which needs a word; others for all they have, of which the names are
/// shown that the word is a part of. Names are shown as `install` takes them, versions newest first. A repo that does not
/// answer does not hide what others answer; dam then ends with 1.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam search mongo
  dam search --repo plant
  dam search plant/mongo --versions all
  dam search mongo --raw | cut -d ';' -f 2,3")]
pub(crate) struct Search {
    /// A part of the names, in small or large letters [default: all names]
    #[arg(value_name = "MASK")]
    pub(crate) mask: Option<Mask>,
    /// Asks this repo only, by its name or number
    #[arg(long, value_name = "NAME", conflicts_with = "all_repos")]
    pub(crate) repo: Option<RepoId>,
    /// Asks all repos, as is done without it
    #[arg(long)]
    pub(crate) all_repos: bool,
    /// Shows at most so many names of a repo [default: 25 of Docker Hub, all of others]
    #[arg(long, value_name = "N", value_parser = number)]
    pub(crate) limit: Option<usize>,
    /// Shows the newest N versions of a name, or `all`; 0 asks for names only [default: 5, with --json and --raw all]
    #[arg(long, value_name = "N", value_parser = versions)]
    pub(crate) versions: Option<Versions>,
    /// Rows for scripts: repo;name;version
    #[arg(long, conflicts_with = "json")]
    pub(crate) raw: bool,
}

/// Reads how many versions are wanted.
fn versions(text: &str) -> Result<Versions, ParseNumberError> {
    match text {
        "all" => Ok(Versions::All),
        "0" => Ok(Versions::None),
        _ => number(text).map(Versions::Newest),
    }
}
