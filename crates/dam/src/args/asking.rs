//! Whom to ask for images.

use clap::Args;
use dam_core::repo::{Inquiry, Registries};
use dam_oci::Platform;

/// Whom to ask for images, and for which.
#[derive(Debug, Clone, Args)]
pub(crate) struct Asking {
    /// Asks no registry: takes what is in the store (or $DAM_OFFLINE)
    #[arg(long)]
    pub(crate) offline: bool,
    /// The platform to take of images for several, such as linux/arm64 [default: this machine's]
    #[arg(long, value_name = "OS/ARCH")]
    pub(crate) platform: Option<Platform>,
}

impl Asking {
    /// Returns the registries as they are to be asked.
    pub(crate) fn ask(&self, registries: Registries) -> Registries {
        let offline = self.offline || registries.is_offline();
        registries.offline(offline)
    }

    /// Says what is asked.
    pub(crate) fn inquiry<'a>(&self, registries: &'a Registries) -> Inquiry<'a> {
        Inquiry { registries, any_repo: false, platform: self.platform.clone(), look_only: false }
    }
}
