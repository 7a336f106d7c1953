//! `dam engine build`.

use std::path::PathBuf;

use clap::Args;
use dam_core::engine::recipe::{self, ParseUrlError, Source};
use dam_oci::Digest;
use dam_pack::{Architecture, Format, PackageVersion};

use crate::args::Signing;

/// Makes one .deb and one .rpm of Docker's static programs
///
/// The recipe says what goes in; without one, and without engine.toml in this folder, all is as `dam engine init` would
/// write it. What is given here wins over the recipe. Neither dpkg nor rpm is needed. The packages are read back and checked
/// for every target, from CentOS 7 on. The same parts give the same bytes, on any machine: all dates are those of the newest
/// program in the archive, or $SOURCE_DATE_EPOCH.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    after_help = "Examples:
  dam engine build
  dam engine build plant/engine.toml --out packages
  dam engine build --archive docker-26.1.5.tgz --compose docker-compose-linux-x86_64
  dam engine build --archive https://download.docker.com/linux/static/stable/x86_64/docker-26.1.5.tgz --sha256 HEX --format rpm"
)]
pub(crate) struct Build {
    /// The recipe [default: engine.toml, if it is there]
    pub(crate) recipe: Option<PathBuf>,
    /// The engine: upstream's docker-VERSION.tgz
    #[arg(long, value_name = "PATH|URL", value_parser = source)]
    pub(crate) archive: Option<Source>,
    /// The archive's digest, which it must have; a URL needs one
    #[arg(long, value_name = "HEX", value_parser = digest)]
    pub(crate) sha256: Option<Digest>,
    /// The Compose plugin, a static program
    #[arg(long, value_name = "PATH")]
    pub(crate) compose: Option<PathBuf>,
    /// The Buildx plugin, a static program
    #[arg(long, value_name = "PATH")]
    pub(crate) buildx: Option<PathBuf>,
    /// The engine's version [default: the archive tells]
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub(crate) version: Option<String>,
    /// What to make: deb, rpm, or both
    #[arg(long, value_name = "FORMAT", value_delimiter = ',', default_values = ["deb", "rpm"], value_parser = format)]
    pub(crate) format: Vec<Format>,
    /// The processor it is for: amd64, arm64, armhf, ppc64el, s390x or riscv64
    #[arg(long, value_name = "ARCH", value_parser = architecture)]
    pub(crate) arch: Option<Architecture>,
    /// The folder for the packages; made if it is not there
    #[arg(long, short, value_name = "DIR", default_value = "target/engine")]
    pub(crate) out: PathBuf,
    /// Compresses in a tenth of the time, for trying something out: the packages are 1.7 times as large
    #[arg(long)]
    pub(crate) fast: bool,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

fn source(text: &str) -> Result<Source, String> {
    match text.starts_with("https://") || text.starts_with("http://") {
        true => text.parse().map(Source::Url).map_err(|fault: ParseUrlError| fault.to_string()),
        false => Ok(Source::Path(text.into())),
    }
}

fn digest(text: &str) -> Result<Digest, String> {
    let hex = text.strip_prefix("sha256:").unwrap_or(text).to_lowercase();
    Digest::from_hex(&hex)
        .map_err(|_| format!("--sha256 takes 64 hex digits, as `sha256sum` prints them, not `{text}`"))
}

/// Reads a version as upstream or as packages write it.
fn version(text: &str) -> Result<String, String> {
    let version = text.replace('-', "~");
    PackageVersion::new(&version, "1").map(|_| version).map_err(|fault| fault.to_string())
}

fn format(text: &str) -> Result<Format, String> {
    let mut formats = [Format::Deb, Format::Rpm].into_iter();
    formats.find(|format| format.to_string() == text).ok_or_else(|| format!("--format takes deb or rpm, not `{text}`"))
}

fn architecture(text: &str) -> Result<Architecture, String> {
    recipe::architecture(text).map_err(|fault| format!("--arch {fault}"))
}
