//! `dam engine`.

mod build;
mod repo;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use dam_pack::targets::Target;

pub(crate) use build::Build;
pub(crate) use repo::Repository;

use super::Consent;

/// Makes and installs packages of Docker Engine
///
/// One .deb and one .rpm, made of Docker's own static programs, install the same engine on any Linux distribution, without
/// internet.
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    after_help = "Examples:
  dam engine init               writes engine.toml, a recipe in which every setting is explained
  dam engine fetch              downloads what engine.toml names by URL, and notes the digests in it
  dam engine build              makes the packages it says
  dam engine check *.deb *.rpm  says whether all distributions can read the packages
  dam engine repo /media/stick  makes the stick a repository
  dam engine install ./dam-docker_26.1.5-1_amd64.deb"
)]
pub(crate) struct Engine {
    #[command(subcommand)]
    pub(crate) command: EngineCommand,
}

/// What to do. In the order of a package's life.
#[derive(Debug, Subcommand)]
pub(crate) enum EngineCommand {
    Init(Init),
    Fetch(Fetch),
    Build(Build),
    Check(Check),
    Explain(Explain),
    Repo(Repository),
    Install(InstallEngine),
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

/// Downloads what a recipe names by URL, and notes the digests in it
///
/// Digests that are missing are added behind their URLs; nothing else of the recipe changes. Those that are there are
/// checked, also of files that the recipe names by path. What was downloaded is kept, so that `dam engine build` needs no
/// internet.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam engine fetch
  dam engine fetch plant/engine.toml")]
pub(crate) struct Fetch {
    /// The recipe
    #[arg(default_value = RECIPE)]
    pub(crate) recipe: PathBuf,
}

/// Says what of a package its targets cannot read, and why
///
/// Each construct that a distribution's tools stumble over is named with the rule that it breaks; docs/engine-checks.md lists
/// the rules. A fault ends with 1; a warning does not.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam engine check dam-docker_26.1.5-1_amd64.deb
  dam engine check *.deb *.rpm --target debian-12 --target centos-7
  dam engine check dam-docker-26.1.5-1.x86_64.rpm --json")]
pub(crate) struct Check {
    /// The .deb and .rpm files
    #[arg(value_name = "PKG", required = true)]
    pub(crate) packages: Vec<PathBuf>,
    /// Only for this target, such as debian-12 or centos-7; may be given again
    #[arg(long, value_name = "NAME")]
    pub(crate) target: Vec<Target>,
    /// For all targets [default]
    #[arg(long, conflicts_with = "target")]
    pub(crate) all: bool,
}

/// Says what a package holds, or what differs between two
///
/// Files, relations, scripts and units are told alike for both formats. Of two packages of one format it is also said what an
/// upgrade from the first to the second does to services that run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam engine explain dam-docker_26.1.5-1_amd64.deb
  dam engine explain dam-docker-26.1.5-1.x86_64.rpm --scripts
  dam engine explain dam-docker_26.1.5-1_amd64.deb dam-docker_27.0.1-1_amd64.deb")]
pub(crate) struct Explain {
    /// A .deb or an .rpm
    #[arg(value_name = "PKG")]
    pub(crate) package: PathBuf,
    /// What it is compared with
    #[arg(value_name = "PKG2")]
    pub(crate) other: Option<PathBuf>,
    /// Shows the scripts and the units; of two packages, the lines that differ
    #[arg(long)]
    pub(crate) scripts: bool,
}

/// Installs a package of Docker Engine on this machine, and sees whether a container runs
///
/// The machine's own tool does it (apt-get, dnf, yum, zypper, or dpkg and rpm where there is nothing else), without internet.
/// What would not go well is said before anything is touched: a package of the other kind or for another processor, what its
/// tools cannot read, other packages of Docker in its way. Then the engine is asked what it is, and runs one container of a tiny
/// image that dam brings; nothing of that stays.
#[derive(Debug, Args)]
#[command(
    name = "install",
    after_help = "Examples:
  dam engine install ./dam-docker_26.1.5-1_amd64.deb
  dam engine install ./dam-docker-26.1.5-1.x86_64.rpm --yes
  dam engine install ./dam-docker_26.1.5-1_amd64.deb --dry-run"
)]
pub(crate) struct InstallEngine {
    /// The .deb or .rpm
    #[arg(value_name = "PKG")]
    pub(crate) package: PathBuf,
    #[command(flatten)]
    pub(crate) consent: Consent,
}

/// Where a recipe is looked for.
pub(crate) const RECIPE: &str = "engine.toml";
