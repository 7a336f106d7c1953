//! What kind of file apps are in.

use dam_oci::Compression;
use dam_oci::archive::Members;
use serde::Serialize;

/// The kind of a file with apps in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// A bundle of dam 2.
    Bundle,
    /// What `dam export --all` of DAM 1.x wrote: an archive for each app.
    Dam1Bundle,
    /// What `dam save` of DAM 1.x wrote: as of `docker save`, gzip outside, called `.dam`.
    Dam1,
    /// What `docker save` writes, and `podman save` by default.
    DockerSave,
    /// An OCI image layout in a tar.
    OciLayout,
}

impl Form {
    /// Tells the kind of an archive that holds images itself and has no `dam.json`.
    pub(super) fn of_foreign(members: &Members) -> Self {
        let is_dam = members.path().extension().is_some_and(|suffix| suffix.eq_ignore_ascii_case("dam"));
        match members.list().any(|(name, _)| name == "manifest.json") {
            true if is_dam && members.compression() == Compression::Gzip => Self::Dam1,
            true => Self::DockerSave,
            false => Self::OciLayout,
        }
    }
}
