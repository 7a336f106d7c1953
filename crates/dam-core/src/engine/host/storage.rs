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

/// Looks at the file system of the engine's data folder, which need not be there yet.
pub(super) fn examine(look: &Look, settings: &Settings, mounts: &[Mount], findings: &mut Vec<EngineFinding>) {
    let path = settings.data.clone();
    let Some(mount) = mount_of(mounts, &look.follow(&path.to_string_lossy())) else { return };
    let (file_system, point) = (mount.file_system.clone(), mount.point.clone());
    let unfit = UNFIT.contains(&file_system.as_str()) || file_system.starts_with("fuse");
    findings.push(if unfit {
        EngineFinding::NoOverlay { path, file_system }
    } else if file_system == "xfs" && keeps_kinds(look, &path, &point) == Some(false) {
        EngineFinding::XfsWithoutFtype { path, mount: point }
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
