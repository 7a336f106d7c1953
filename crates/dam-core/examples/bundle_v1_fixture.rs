//! Writes the bundle of DAM 1.x that the tests read, as DAM 1.x wrote one; the file is kept and never written anew, for
//! other versions of zlib give other bytes: `cargo run -p dam-core --features testing --example bundle_v1_fixture FILE`.
//!
//! Two apps on one base layer: `shop:1.0` as DAM 1.2 wrote it, listed first, and `backup:2.1` as DAM 1.0 did.

use std::fs;
use std::path::PathBuf;

use dam_oci::testing::{ArchiveForm, ImageBuilder, dam1_apps, dam1_bundle};

fn main() -> dam_core::Result<()> {
    let path = std::env::args_os().nth(1).map_or_else(|| "bundle-v1.dam".into(), PathBuf::from);
    let app = |description: &str| {
        let base = ImageBuilder::new().file("etc/os-release", 0o644, "ID=plain\n").layer();
        let hooks = base.file("meta/install", 0o755, "#!/bin/sh\n").file("meta/uninstall", 0o755, "#!/bin/sh\n");
        hooks.file("meta/DESCRIPTION", 0o644, description)
    };
    let shop = app("A shop.\n").label("DAM_APP_FAMILY", "web").label("DAM_APP_SERVERS", "plant:5000,");
    let backup = app("Keeps what is dear.\n").label("DAM_APP_MULTIVERSION", "true");
    let (list, mut files) = dam1_apps(ArchiveForm::Dam12, &[("plant:5000/shop:1.0", &shop.build())]);
    let (more_list, more_files) = dam1_apps(ArchiveForm::Dam10, &[("backup:2.1", &backup.build())]);
    files.extend(more_files);
    fs::write(&path, dam1_bundle(&(list + &more_list), &files)).map_err(dam_core::Error::access(path))
}
