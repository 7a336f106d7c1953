//! Where an engine has its data.

use std::path::Path;

use super::mounts::{Mount, mount_of};
use super::settings::Settings;
use super::{EngineFinding, Look};

/// File systems on which overlayfs cannot write: those of other machines, those without kinds of files or attributes, and
/// overlayfs itself.
///
/// Source: <https://docs.kernel.org/filesystems/overlayfs.html#upper-and-lower>.
const UNFIT: [&str; 14] = [
    "overlay", "aufs", "nfs", "nfs4", "cifs", "smb3", "vfat", "exfat", "msdos", "ntfs", "ntfs3", "9p", "ecryptfs",
    "virtiofs",
];

/// Storage drivers that are no more, with the first major version without them.
///
/// Source: <https://docs.docker.com/engine/deprecated/>.
const GONE: [(&str, u32); 3] = [("devicemapper", 25), ("aufs", 24), ("overlay", 24)];

/// Looks whether the engine's data is kept in a way that newer engines do not know. Only root sees it.
pub(super) fn examine_driver(look: &Look, settings: &Settings, engine: Option<u32>, findings: &mut Vec<EngineFinding>) {
    let keeps = |driver: &str| look.exists(&settings.data.join("image").join(driver).to_string_lossy());
    let is_used = |driver: &str| match &settings.driver {
        Some(named) => named == driver,
        None => keeps(driver) && !keeps("overlay2"),
    };
    if let Some((driver, gone)) = GONE.into_iter().find(|(driver, _)| is_used(driver)) {
        let (path, driver) = (settings.data.clone(), driver.to_owned());
        findings.push(EngineFinding::OldStorageDriver { path, driver, gone, engine });
    }
}

/// Looks at the file system of the engine's data folder, which need not be there yet.
pub(super) fn examine(look: &Look, settings: &Settings, mounts: &[Mount], findings: &mut Vec<EngineFinding>) {
    let path = settings.data.clone();
    let Some(mount) = mount_of(mounts, &look.follow(&path.to_string_lossy())) else { return };
    let (file_system, point) = (mount.file_system.clone(), mount.point.clone());
    let unfit = UNFIT.contains(&file_system.as_str()) || file_system.starts_with("fuse");
    findings.push(if unfit {
        EngineFinding::NoOverlay { path, file_system }
    } else if keeps_kinds(look, &path, &point) == Some(false) {
        EngineFinding::NoFileKinds { path, file_system, mount: point }
    } else {
        EngineFinding::Storage { path, file_system }
    });
}

/// Asks the folder, or one above it on the same file system, that has entries to show it.
fn keeps_kinds(look: &Look, path: &Path, mount: &Path) -> Option<bool> {
    let found = look.follow(&path.to_string_lossy());
    let on_mount = found.ancestors().take_while(|folder| folder.starts_with(mount));
    on_mount.map(|folder| look.place(folder)).find_map(|folder| look.witness.keeps_kinds(&folder))
}
