//! `dam pull`.

use clap::Args;
use dam_oci::{Platform, Reference};

/// Fetches images from registries into the store
///
/// Each gets its name there and its tag. Of a name without a version, the newest release is fetched; what the store has
/// already, exactly so, is not fetched again.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam pull mongodb
  dam pull plant/mongodb:3.6.20 plant/shop
  dam pull plant:5000/shop@sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef")]
pub(crate) struct Pull {
    /// [REPO/]NAME[:VERSION]: a name of a repo or a server, or of the default repo
    #[arg(value_name = "NAME", required = true)]
    pub(crate) images: Vec<Reference>,
    /// The platform to take of images for several, such as linux/arm64 [default: this machine's]
    #[arg(long, value_name = "OS/ARCH")]
    pub(crate) platform: Option<Platform>,
}
