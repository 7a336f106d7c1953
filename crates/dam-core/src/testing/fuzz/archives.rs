//! Archives as a whole.

use std::io;
use std::path::Path;

use dam_oci::archive::ArchiveWriter;
use dam_oci::testing::gzip;
use dam_oci::{Limits, archive};

use super::manifests::BETWEEN;
use super::{tars, with_file};
use crate::app::AppId;
use crate::bundle::{Bundle, file_name};
use crate::event::Silent;

/// Name and content of a file in a tar.
pub(super) type Member = (String, Vec<u8>);

/// Reads the bytes as a `.dam` file of DAM 1.x: as they are, and as the tar inside of one.
pub(super) fn dam1_archive(data: &[u8]) {
    with_file(data, read);
    with_file(&gzip(&tars::mended(data)), read);
}

/// Reads the bytes as a bundle of DAM 1.x: up to [`BETWEEN`] its list of apps, then the tar inside of its one archive, which
/// has the name of the first app and the checksum that goes with it.
pub(super) fn dam1_bundle(data: &[u8]) {
    let at = data.iter().position(|&byte| byte == BETWEEN).unwrap_or(data.len());
    let (list, tar) = (&data[..at], data.get(at + 1..).unwrap_or_default());
    let archive = gzip(&tars::mended(tar));
    let first = list.split(|&byte| byte == b'\n').next().and_then(|line| std::str::from_utf8(line).ok());
    let app: AppId = first.and_then(|line| line.parse().ok()).unwrap_or_else(|| "a:1".parse().expect("an app"));
    let mut bundle = ArchiveWriter::new(Vec::new());
    bundle.add_bytes("app_list", list).expect("memory does not fail");
    let name = file_name::file_name(&app, crc32fast::hash(&archive));
    bundle.add_bytes(&name, &archive).expect("memory does not fail");
    with_file(&bundle.finish().expect("memory does not fail"), read);
}

/// Reads whatever a file has to give, as an import does.
fn read(path: &Path) {
    let Ok(bundle) = Bundle::open(path, &Silent) else { return };
    let Ok(bundle) = bundle.verify() else { return };
    for app in bundle.apps() {
        assert_eq!(app.reference.to_string().parse().as_ref(), Ok(&app.reference));
        let image = &*app.image;
        // An image may be damaged below what is checked here; only its reading must end well.
        if let Ok(layers) = dam_oci::layers(image) {
            _ = dam_oci::visit_layers(image, &layers, &mut |_, _| Ok(()));
        }
        let limits = Limits { entries: 1000, bytes: 1 << 20 };
        _ = dam_oci::subtree(image, "meta", limits, &std::env::temp_dir(), &mut io::sink());
    }
}

/// Reads the files of a sound tar.
pub(super) fn members(tar: &[u8]) -> Vec<Member> {
    let mut members = Vec::new();
    archive::stream("sample", tar, &mut |member| {
        if let archive::Member::File { name, content, .. } = member {
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes).expect("a sound member");
            members.push((name.to_owned(), bytes));
        }
        Ok(())
    })
    .expect("a sound tar");
    members
}
