//! The documents that list images.

use dam_oci::archive::ArchiveWriter;
use dam_oci::{Archive, Digest, Image};

use super::with_file;
use crate::bundle::Bundle;
use crate::event::Silent;

/// What divides the documents of an input: a byte that no text has.
pub(super) const BETWEEN: u8 = 0xff;

/// A layer that every input can name: an empty tar.
const LAYER: [u8; 1024] = [0; 1024];

/// Reads an archive of the documents in `data`, which end at [`BETWEEN`]: first `index.json`, then `manifest.json`, then
/// blobs. An empty one is left out of the archive.
///
/// No fuzzer finds a digest by chance. So the blobs are written from last to first, and in all that stands before one,
/// `$n` is its digest and `#n` its length, where n counts blobs from the last, 1; `$0` and `#0` are those of a layer.
pub(super) fn manifest_json(data: &[u8]) {
    let mut documents = data.splitn(9, |&byte| byte == BETWEEN);
    let (index, saved) = (documents.next().unwrap_or_default(), documents.next().unwrap_or_default());
    let mut blobs = vec![LAYER.to_vec()];
    for document in documents.collect::<Vec<_>>().into_iter().rev() {
        let blob = filled(document, &blobs);
        blobs.push(blob);
    }
    let archive = archive(&filled(index, &blobs), &filled(saved, &blobs), &blobs);
    with_file(&archive, |path| {
        let Ok(archive) = Archive::open(path) else { return };
        for archived in archive.images() {
            assert_eq!(archived.manifest, Digest::of(archived.image.manifest_bytes()));
            for reference in &archived.references {
                assert_eq!(reference.to_string().parse().as_ref(), Ok(reference));
            }
            read(&*archived.image);
        }
        if let Ok(bundle) = Bundle::open(path, &Silent).and_then(Bundle::verify) {
            assert_eq!(bundle.apps().len(), archive.images().len());
        }
    });
}

fn read(image: &dyn Image) {
    let Ok(layers) = dam_oci::layers(image) else { return };
    assert_eq!(layers.iter().map(|layer| layer.positions.len()).sum::<usize>(), image.manifest().layers.len());
    _ = dam_oci::visit_layers(image, &layers, &mut |_, _| Ok(()));
}

/// Writes digests and lengths in the place of their signs.
fn filled(document: &[u8], blobs: &[Vec<u8>]) -> Vec<u8> {
    let mut filled = Vec::with_capacity(document.len());
    let mut rest = document;
    while let [first, tail @ ..] = rest {
        let blob =
            tail.first().filter(|digit| digit.is_ascii_digit()).and_then(|digit| blobs.get(usize::from(digit - b'0')));
        rest = match (first, blob) {
            (b'$', Some(blob)) => {
                filled.extend_from_slice(Digest::of(blob).to_string().as_bytes());
                &tail[1..]
            }
            (b'#', Some(blob)) => {
                filled.extend_from_slice(blob.len().to_string().as_bytes());
                &tail[1..]
            }
            (first, _) => {
                filled.push(*first);
                tail
            }
        };
    }
    filled
}

/// Writes every blob under both of the names that writers use.
fn archive(index: &[u8], saved: &[u8], blobs: &[Vec<u8>]) -> Vec<u8> {
    let mut archive = ArchiveWriter::new(Vec::new());
    let mut add = |name: &str, content: &[u8]| archive.add_bytes(name, content).expect("memory does not fail");
    for (name, document) in [("index.json", index), ("manifest.json", saved)] {
        if !document.is_empty() {
            add(name, document);
        }
    }
    let mut digests = std::collections::BTreeSet::new();
    for blob in blobs {
        let digest = Digest::of(blob);
        if digests.insert(digest) {
            add(&format!("blobs/sha256/{}", digest.hex()), blob);
            add(&digest.to_string(), blob);
        }
    }
    archive.finish().expect("memory does not fail")
}
