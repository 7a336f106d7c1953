//! The head of a bundle.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::sync::OnceLock;

use dam_oci::archive::ArchiveWriter;

use super::archives::{Member, members};
use super::tars::mended;
use super::{seeds, with_file};
use crate::bundle::{Bundle, BundledApp, Head, StreamedBundle};
use crate::event::Silent;

/// Puts the bytes into a small bundle as its `dam.json`, and reads that to its last layer.
pub(super) fn dam_json(data: &[u8]) {
    static SOUND: OnceLock<Vec<Member>> = OnceLock::new();
    let sound = SOUND.get_or_init(|| members(&seeds::bundle()));
    let head: Option<Head> = serde_json::from_slice(data).ok();
    let archive = archive(sound, data, head.as_ref());
    streamed(&archive);
    with_file(&archive, |path| {
        let Ok(bundle) = Bundle::open(path, &Silent) else { return };
        let head = head.as_ref().expect("a bundle with a broken head was opened");
        let Ok(verified) = bundle.verify() else { return };
        assert_eq!(verified.head(), Some(head));
        assert_eq!(verified.apps().len(), head.apps.len());
        for (app, listed) in verified.apps().iter().zip(&head.apps) {
            assert_eq!(app.reference, listed.reference);
            assert_eq!(app.unpacked, listed.unpacked());
            // Every blob of the archive is sound: what the head says of one is right, or was refused.
            let layers = dam_oci::layers(&*app.image).expect("checked above");
            dam_oci::visit_layers(&*app.image, &layers, &mut |_, _| Ok(())).expect("sound layers");
        }
    });
    if let Some(head) = &head {
        let again = serde_json::to_vec(head).expect("only string keys");
        assert_eq!(serde_json::from_slice::<Head>(&again).expect("just written"), *head);
    }
}

/// Reads the bytes, as the tar of a bundle, in one pass.
pub(super) fn streamed_bundle(data: &[u8]) {
    streamed(data);
    streamed(&mended(data));
}

/// Reads a stream to its end, as an import does: what it takes is what it would have taken from a file.
fn streamed(bundle: &[u8]) {
    let Ok(streamed) = StreamedBundle::open("a pipe", Box::new(Cursor::new(bundle.to_vec()))) else { return };
    let (verified, rest) = streamed.into_parts();
    let mut passed = BTreeSet::new();
    let mut read = |app: &BundledApp| {
        // What one app shares with another comes once.
        let mut layers = dam_oci::layers(&*app.image)?;
        layers.retain(|layer| passed.insert(layer.blob.digest));
        dam_oci::visit_layers(&*app.image, &layers, &mut |_, _| Ok(()))
    };
    if verified.apps().iter().any(|app| read(app).is_err()) || rest.finish().is_err() {
        return;
    }
    with_file(bundle, |path| {
        let from_file = Bundle::open(path, &Silent).and_then(Bundle::verify).expect("taken from a pipe");
        assert_eq!(from_file.head(), verified.head());
        for (one, other) in from_file.apps().iter().zip(verified.apps()) {
            assert_eq!((&one.reference, one.meta), (&other.reference, other.meta));
            assert_eq!(one.image.manifest_bytes(), other.image.manifest_bytes());
        }
    });
}

/// Writes the bundle with another head, and the list of apps that goes with it.
fn archive(sound: &[Member], dam_json: &[u8], head: Option<&Head>) -> Vec<u8> {
    let mut archive = ArchiveWriter::new(Vec::new());
    for (name, content) in sound {
        let list: String;
        let content = match (name.as_str(), head) {
            ("dam.json", _) => dam_json,
            ("app_list", Some(head)) => {
                list = head.apps.iter().map(|app| format!("{}:{}\n", app.name, app.version)).collect();
                list.as_bytes()
            }
            _ => content,
        };
        archive.add_bytes(name, content).expect("memory does not fail");
    }
    archive.finish().expect("memory does not fail")
}
