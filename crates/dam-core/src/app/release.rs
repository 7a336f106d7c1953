//! An app, and an app as one exact image.

use dam_oci::{Digest, Reference};
use serde::{Deserialize, Serialize};

use super::{AppId, Family, Servers};
use crate::store::ImageId;

/// A script of an app, named as its file under `/meta`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HookName {
    /// Preflight: runs before anything is touched.
    Check,
    /// Starts the app. Every app has it.
    Install,
    /// Stops the app and takes it away. Every app has it.
    Uninstall,
    /// Replaces uninstall and install in an upgrade.
    Upgrade,
    /// Must succeed within a limit after an install.
    Health,
}

impl HookName {
    /// All hooks, in the order they are listed to people.
    pub const ALL: [Self; 5] = [Self::Check, Self::Install, Self::Uninstall, Self::Upgrade, Self::Health];

    /// Returns the file name under `/meta`.
    pub fn file(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Install => "install",
            Self::Uninstall => "uninstall",
            Self::Upgrade => "upgrade",
            Self::Health => "health",
        }
    }
}

impl std::fmt::Display for HookName {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.pad(self.file())
    }
}

/// An app as its image describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    /// Name and version.
    #[serde(flatten)]
    pub id: AppId,
    /// Apps of one family exclude each other.
    pub family: Family,
    /// Whether several versions may be installed side by side.
    pub multiversion: bool,
    /// The image's name as it is tagged in the store.
    pub reference: Reference,
    /// Further tags the image gets, one for each registry in its servers label.
    pub more_references: Vec<Reference>,
    /// The scripts under `/meta`.
    pub hooks: Vec<HookName>,
    /// The text of `/meta/DESCRIPTION`, shortened to 64 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl App {
    /// Tells whether the app has a script.
    pub fn has(&self, hook: HookName) -> bool {
        self.hooks.contains(&hook)
    }

    /// Returns the registries the image is tagged for, its own among them.
    pub fn servers(&self) -> Servers {
        Servers::of(std::iter::once(&self.reference).chain(&self.more_references))
    }
}

/// An app as one exact image with one exact `/meta`: what is installed, was, or will be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// What the image says of itself.
    #[serde(flatten)]
    pub app: App,
    /// The image in the store. For a release not yet loaded: the id it will have in a classic store (config digest).
    pub image: ImageId,
    /// The kept copy of `/meta`, by the digest of its tar; see [`crate::meta`].
    pub meta: Digest,
    /// DiffIDs of the layers, base first: the same in every store.
    pub diff_ids: Vec<Digest>,
    /// Bytes of the unpacked layers, as far as the store tells.
    pub size: u64,
    /// The kind of the store that has the image, such as `docker`; not known for a release not yet loaded, and for what
    /// was recorded before dam noted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
}
