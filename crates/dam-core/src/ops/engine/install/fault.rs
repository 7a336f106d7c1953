//! Why an engine is not installed, or does not run.

use std::io;
use std::path::{Path, PathBuf};

use dam_pack::Format;
use dam_pack::targets::Target;

use super::machine::InstalledPackage;
use super::tool::Tool;

/// What can go wrong with installing an engine.
#[derive(Debug, thiserror::Error)]
pub enum InstallFault {
    /// The distribution does not say of which kind it is.
    #[error("{os} is neither of dpkg nor of rpm, as far as it says")]
    NoFamily {
        /// Its name.
        os: String,
    },
    /// Its system is one image, to which packages are added otherwise.
    #[error("{os} is one image that rpm-ostree keeps, and takes packages only into its next one")]
    Image {
        /// Its name.
        os: String,
        /// The package.
        path: PathBuf,
    },
    /// None of the tools of its kind is there.
    #[error("{os} has no {}", Tool::list(.format))]
    NoTool {
        /// Its name.
        os: String,
        /// The format of its packages.
        format: Format,
    },
    /// The package is of the other format.
    #[error("`{path}` is {} .{found}, and {os} installs .{wanted}", match .found { Format::Deb => "a", Format::Rpm => "an" })]
    Format {
        /// The package.
        path: PathBuf,
        /// Its format.
        found: Format,
        /// The format of the machine's packages.
        wanted: Format,
        /// The distribution.
        os: String,
    },
    /// The package is for another processor.
    #[error("`{path}` is made for {found}, and this machine is {wanted}")]
    Architecture {
        /// The package.
        path: PathBuf,
        /// Its processor, in the format's word.
        found: String,
        /// The machine's.
        wanted: String,
    },
    /// The tools of the distribution cannot read it.
    #[error("`{path}` does not fit {target}: {}", .findings.join("; "))]
    Unfit {
        /// The package.
        path: PathBuf,
        /// The target that the distribution comes nearest to.
        target: Target,
        /// What they cannot read.
        findings: Vec<String>,
    },
    /// Packages are installed beside which it cannot stand.
    #[error("{package} cannot stand beside {}, which {} installed", listed(.installed), are(.installed))]
    Conflicts {
        /// The package.
        package: String,
        /// What is in its way, at least one.
        installed: Vec<InstalledPackage>,
        /// The tool that removes it.
        tool: Tool,
    },
    /// Packages that it needs are not installed.
    #[error("{package} needs {}, which this machine has not", .missing.join(", "))]
    Missing {
        /// The package.
        package: String,
        /// Each as the package names it, at least one.
        missing: Vec<String>,
    },
    /// This user may not install anything.
    #[error("only root can install packages")]
    NotRoot,
    /// A program of the machine could not be started or watched.
    #[error("cannot run `{program}`")]
    Start {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The machine's tool did not install it.
    #[error("`{tool}` did not install {package}: it {ended}")]
    Tool {
        /// Its name.
        tool: String,
        /// The package and its version.
        package: String,
        /// How it ended: `failed with exit status 100`.
        ended: String,
        /// The last lines of what it said, not yet cleaned of control characters.
        said: Vec<String>,
    },
    /// The tool ended well, and the package is not there.
    #[error("`{tool}` ended well, but {} is installed, not {package} {version}", .found.as_deref().unwrap_or("nothing"))]
    NotThere {
        /// Its name.
        tool: Tool,
        /// The package.
        package: String,
        /// The version it should have.
        version: String,
        /// The version that is there.
        found: Option<String>,
    },
    /// The engine's service was started and failed.
    #[error("{package} is installed, but {unit} failed")]
    Service {
        /// The package and its version.
        package: String,
        /// The unit.
        unit: String,
    },
    /// The engine does not run containers.
    #[error("{package} is installed, but its engine does not run containers")]
    Smoke {
        /// The package and its version.
        package: String,
        /// What did not work.
        source: Box<crate::Error>,
    },
    /// The container did something else than it should.
    #[error("the container ended with status {status} and wrote `{}`", .output.escape_debug())]
    Said {
        /// Its status.
        status: i64,
        /// What it wrote.
        output: String,
    },
    /// There is no program to try an engine out on a processor.
    #[error("the engine runs on {0}, for which dam has no program to try it with")]
    NoProgram(String),
}

impl InstallFault {
    /// Names the package as it was named, where it is at fault.
    pub(super) fn of(mut self, named: &Path) -> Self {
        if let Self::Image { path, .. }
        | Self::Format { path, .. }
        | Self::Architecture { path, .. }
        | Self::Unfit { path, .. } = &mut self
        {
            *path = named.to_owned();
        }
        self
    }
}

fn listed(installed: &[InstalledPackage]) -> String {
    let each = installed.iter().map(|package| format!("{} {}", package.name, package.version));
    each.collect::<Vec<_>>().join(", ")
}

fn are(installed: &[InstalledPackage]) -> &'static str {
    if installed.len() == 1 { "is" } else { "are" }
}
