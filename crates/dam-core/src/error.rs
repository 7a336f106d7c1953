//! What can go wrong, as facts. The terminal adds the advice.

use std::io;
use std::path::{Path, PathBuf};

use dam_oci::Reference;

use crate::app::{NameFault, NoApp};
use crate::bundle::BundleError;
use crate::hooks::HookError;
use crate::meta::MetaError;
use crate::plan::Failure;
use crate::product::ListFault;
use crate::project::ProjectError;
use crate::store::ImageId;
use crate::store::docker::DockerError;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong. Each area has an enum of its own; this one joins them and holds what belongs to none.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something about an image, a layout or an archive.
    #[error(transparent)]
    Oci(#[from] dam_oci::Error),
    /// A name, version or family that is none.
    #[error(transparent)]
    Name(#[from] NameFault),
    /// Something about repos.
    #[error(transparent)]
    Repo(#[from] crate::repo::RepoFault),
    /// The logins of Docker or a credential helper cannot be used.
    #[error(transparent)]
    Login(#[from] crate::repo::LoginFault),
    /// The ledger cannot be used, or was used out of turn.
    #[error(transparent)]
    Ledger(#[from] crate::ledger::Fault),
    /// Something about a project.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// An image is not an app.
    #[error("image `{reference}` is not an app: {reason}")]
    NotAnApp {
        /// The image.
        reference: Reference,
        /// What it lacks.
        reason: NoApp,
    },
    /// Something about a bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// Something about a product list.
    #[error(transparent)]
    List(#[from] ListFault),
    /// Apps that cannot be exported.
    #[error(transparent)]
    Export(#[from] crate::ops::export::ExportFault),
    /// Something that cannot be pushed.
    #[error(transparent)]
    Push(#[from] crate::ops::push::PushFault),
    /// Something about a search.
    #[error(transparent)]
    Search(#[from] crate::ops::search::SearchFault),
    /// Something about a `/meta`.
    #[error(transparent)]
    Meta(#[from] MetaError),
    /// Something about running a hook.
    #[error(transparent)]
    Hook(#[from] HookError),
    /// Something about a recipe of Docker Engine.
    #[error(transparent)]
    Recipe(#[from] crate::engine::RecipeError),
    /// Something about the engine's settings that a recipe names.
    #[error(transparent)]
    EngineSettings(#[from] crate::engine::recipe::DaemonError),
    /// Something about an archive of Docker Engine.
    #[error(transparent)]
    EngineArchive(#[from] crate::engine::ArchiveError),
    /// A package of Docker Engine that is not made.
    #[error(transparent)]
    Build(#[from] crate::engine::BuildError),
    /// Something about a plugin of Docker Engine.
    #[error(transparent)]
    Plugin(#[from] crate::engine::PluginError),
    /// A file that a recipe names is not at hand.
    #[error(transparent)]
    Input(#[from] crate::engine::InputError),
    /// A Docker-compatible daemon could not be talked to, or refused something.
    #[error(transparent)]
    Docker(#[from] DockerError),
    /// A file that is no package, or cannot be read as one.
    #[error(transparent)]
    Package(#[from] crate::engine::PackageFault),
    /// A package that cannot be checked.
    #[error(transparent)]
    Check(#[from] crate::ops::engine::check::CheckFault),
    /// A folder that cannot be made a repository of packages.
    #[error(transparent)]
    Repository(#[from] dam_pack::repo::RepositoryError),
    /// A place that machines cannot be told of.
    #[error(transparent)]
    Place(#[from] dam_pack::repo::PlaceFault),
    /// An engine that cannot be installed, or does not run.
    #[error(transparent)]
    Install(#[from] crate::ops::engine::install::InstallFault),
    /// A file or folder could not be read or written.
    #[error("cannot access `{path}`")]
    Access {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another user could change dam's state, and with it what hooks do.
    #[error("`{path}` may be changed by other users (mode {mode:o}, owner {owner})")]
    Exposed {
        /// The file or folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The user id of its owner.
        owner: u32,
    },
    /// The store does not hold an image.
    #[error("the store holds no image {0}")]
    NoImage(ImageId),
    /// The store has no such tag.
    #[error("the store holds no image named `{0}`")]
    NoTag(Reference),
    /// The store cannot fetch images from registries.
    #[error("the store `{store}` cannot pull `{reference}`")]
    CannotPull {
        /// The image.
        reference: Reference,
        /// The kind of the store.
        store: &'static str,
    },
    /// An image that its registry did not give.
    #[error(transparent)]
    Unfetched(Box<crate::repo::Unfetched>),
    /// An image that its repo does not have.
    #[error(transparent)]
    Absent(Box<crate::repo::Absent>),
    /// An image of a registry, where none is to be asked.
    #[error("`{0}` is in a registry, and no registry is to be asked")]
    Offline(Reference),
    /// The engine fetched an image, and has another one under that digest.
    #[error("the store does not have `{reference}` as {digest} after it was fetched")]
    FetchedAnother {
        /// The image.
        reference: Reference,
        /// Digest of its manifest.
        digest: dam_oci::Digest,
    },
    /// A container needs the image.
    #[error("image {id} is in use: {reason}")]
    ImageInUse {
        /// The image.
        id: ImageId,
        /// The store's own words.
        reason: String,
    },
    /// A change that the rules refuse.
    #[error(transparent)]
    Rule(#[from] crate::plan::RuleFault),
    /// A product that the rules refuse, with every rule that is broken.
    #[error("this product cannot be installed: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Rules(Vec<crate::plan::RuleFault>),
    /// Images do not fit on the machine.
    #[error("there is not enough space on `{}`: {needed} bytes are needed, {free} are free", .place.display())]
    NoRoom {
        /// Where the store keeps its data.
        place: PathBuf,
        /// Bytes that are needed at the most.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// A bundle in a stream does not say what the `/meta` of its apps is.
    #[error("the bundle does not say what the /meta of `{reference}` is, so it cannot be planned before it is read")]
    NoPromise {
        /// The app.
        reference: Reference,
    },
    /// A change that was begun and failed.
    #[error(transparent)]
    Failed(Box<crate::plan::Failed>),
    /// A change of several apps that was cut off while their images arrived.
    #[error(transparent)]
    Paused(Box<crate::plan::Paused>),
    /// The plan of an operation that was cut off cannot be read: another version of dam wrote it.
    #[error("the plan of the unfinished operation {operation} cannot be read")]
    UnreadablePlan {
        /// The operation.
        operation: crate::ledger::OperationId,
        /// Why.
        source: serde_json::Error,
    },
    /// An operation was cut off that used a store of another kind than the one that is chosen now.
    #[error("the unfinished {title} used the store `{was}`, and the store chosen now is `{now}`")]
    BegunInOtherStore {
        /// The operation, such as `upgrade of shop 1.0 to 2.0`.
        title: String,
        /// The kind of the store it used.
        was: String,
        /// The kind of the store that is chosen.
        now: String,
    },
    /// An app's image is in a store of another kind than the one that is chosen.
    #[error("the image of {app} is in the store `{was}`, and the store chosen now is `{now}`")]
    InOtherStore {
        /// The app.
        app: crate::app::AppId,
        /// The kind of the store that has its image.
        was: String,
        /// The kind of the store that is chosen.
        now: String,
    },
    /// A file that should carry one app carries none, or several.
    #[error("`{path}` carries {} apps, not one", .apps.len())]
    NotOneApp {
        /// The file.
        path: PathBuf,
        /// The apps.
        apps: Vec<Reference>,
    },
    /// The operation was cancelled.
    #[error("interrupted")]
    Cancelled,
}

impl Error {
    /// Names the path of a failed file operation: `.map_err(Error::access(&path))`.
    pub fn access(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Access { path, source }
    }

    /// Tells whether work was only cut off, so that the same can go on later: the source of what was read went away, the
    /// user wished to stop, or the engine did not answer any more. False for whatever is damaged, refused or in the way.
    pub fn is_cut(&self) -> bool {
        match self {
            Self::Cancelled | Self::Oci(dam_oci::Error::Lost { .. }) => true,
            Self::Docker(DockerError::Unreachable { .. } | DockerError::BrokeOff { .. }) => true,
            // What a reader of this crate said, far below.
            Self::Oci(dam_oci::Error::Stream { source, .. }) => {
                source.get_ref().and_then(|inner| inner.downcast_ref::<Self>()).is_some_and(Self::is_cut)
            }
            Self::Failed(failed) => matches!(&failed.failure, Failure::Other(error) if error.is_cut()),
            _ => false,
        }
    }

    /// Tells whether a disk was too full for something to be written.
    pub(crate) fn is_of_full_disk(&self) -> bool {
        if matches!(self, Self::Ledger(crate::ledger::Fault::Full { .. })) {
            return true;
        }
        let chain = std::iter::successors(Some(self as &dyn std::error::Error), |error| error.source());
        let mut errors = chain.filter_map(|error| error.downcast_ref::<io::Error>());
        errors.any(|error| matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    }

    /// Names the archive whose content is at fault.
    pub(crate) fn in_archive(self, path: &Path) -> Self {
        match self {
            Self::Oci(error) => Self::Oci(error.in_archive(path)),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use dam_oci::{BlobFault, Digest};

    use super::Error;
    use crate::plan::{Aftermath, Failed, Failure};
    use crate::store::docker::DockerError;

    #[test]
    fn what_was_cut_off_is_told_from_what_is_damaged() {
        let pulled = || Error::Oci(dam_oci::Error::reading("`site.dam`")(io::Error::from_raw_os_error(5)));
        let gone = DockerError::BrokeOff { doing: "load".to_owned(), source: io::ErrorKind::UnexpectedEof.into() };
        let watched = Error::Oci(dam_oci::Error::stream("layer 1")(io::Error::other(Error::Cancelled)));
        let failure = Failure::from(pulled());
        let failed = Failed { title: "import".to_owned(), failure, aftermath: Aftermath::Untouched };
        for cut in [pulled(), gone.into(), watched, Error::Cancelled, Error::Failed(Box::new(failed))] {
            assert!(cut.is_cut(), "{cut}");
        }
        let (digest, full) = (Digest::of(b""), io::Error::from(io::ErrorKind::StorageFull));
        let short = io::Error::new(io::ErrorKind::InvalidData, BlobFault::Short { digest, missing: 1 });
        for other in [
            Error::Oci(dam_oci::Error::reading("`site.dam`")(short)),
            Error::Oci(dam_oci::Error::PassedBlob { digest }),
            Error::access("/store")(full),
            DockerError::Answered { doing: "load".to_owned(), status: 500, message: String::new() }.into(),
        ] {
            assert!(!other.is_cut(), "{other}");
        }
        let wrapped = || io::Error::other(dam_oci::Error::access("/store")(io::ErrorKind::StorageFull.into()));
        assert!(Error::access("/store")(wrapped()).is_of_full_disk());
        assert!(Error::Oci(dam_oci::Error::stream("layer 1")(wrapped())).is_of_full_disk());
        assert!(!pulled().is_of_full_disk());
        assert_eq!(pulled().to_string(), "`site.dam` cannot be read any further");
    }
}
