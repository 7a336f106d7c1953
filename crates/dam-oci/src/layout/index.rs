//! `index.json`: which manifests are kept, and their names.

use std::fs;
use std::io::{self, Read};

use crate::archive::{NAME, REF_NAME, name_of};
use crate::layout::Layout;
use crate::{Descriptor, Digest, Error, Index, Reference, Result};

/// The largest `index.json` that is read, in bytes: room for 100,000 names.
const INDEX_LIMIT: u64 = 64 << 20;

impl Layout {
    /// Reads `index.json`; a layout without one is empty.
    pub(super) fn read_index(&self) -> Result<Index> {
        let path = self.root.join("index.json");
        let file = match fs::File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Index::default()),
            file => file.map_err(Error::access(&path))?,
        };
        let mut bytes = Vec::new();
        file.take(INDEX_LIMIT).read_to_end(&mut bytes).map_err(Error::access(&path))?;
        serde_json::from_slice(&bytes).map_err(|source| Error::Json { what: format!("`{}`", path.display()), source })
    }

    /// Changes `index.json` while no other process does. Blobs that were put before are on the disk when it is.
    pub(super) fn change_index<T>(&self, change: impl FnOnce(&mut Index) -> Result<T>) -> Result<T> {
        // Garbage collection would take the new `index.json` for an unfinished write.
        let _hold = self.hold()?;
        let (path, lock) = self.lock_file("lock")?;
        lock.lock().map_err(Error::access(path))?;
        let before = self.read_index()?;
        let mut index = before.clone();
        let result = change(&mut index)?;
        let path = self.root.join("index.json");
        if index != before || !path.exists() {
            let bytes = serde_json::to_vec(&index).expect("an index has only string keys");
            self.sync_folder(&self.blobs())?;
            self.replace(&path, &bytes)?;
        }
        Ok(result)
    }
}

/// Returns the readable names. Other tools may have written entries whose names mean nothing here.
pub(super) fn tags(index: &Index) -> Vec<(Reference, Descriptor)> {
    let tag = |entry: &Descriptor| Some((reference(entry)?, entry.clone()));
    index.manifests.iter().filter_map(tag).collect()
}

/// Returns the manifests, each once, without names.
pub(super) fn manifests(index: &Index) -> Vec<Descriptor> {
    let mut found: Vec<Descriptor> = Vec::new();
    for entry in &index.manifests {
        if !found.iter().any(|known| known.digest == entry.digest) {
            found.push(nameless(entry));
        }
    }
    found
}

/// Keeps a manifest, without a name if it has none.
pub(super) fn keep(index: &mut Index, manifest: Descriptor) {
    if !index.manifests.iter().any(|entry| entry.digest == manifest.digest) {
        index.manifests.push(manifest);
    }
}

pub(super) fn tag(index: &mut Index, name: &Reference, digest: Digest) -> Result<()> {
    let Some(manifest) = index.manifests.iter().find(|entry| entry.digest == digest).map(nameless) else {
        return Err(Error::MissingBlob { digest });
    };
    let mut named = manifest;
    named.annotations.insert(NAME.to_owned(), name.canonical());
    named.annotations.insert(REF_NAME.to_owned(), name.tag().unwrap_or("latest").to_owned());
    if index.manifests.contains(&named) {
        return Ok(());
    }
    untag(index, name);
    // The first name takes the place of the nameless entry.
    match index.manifests.iter_mut().find(|entry| entry.digest == digest && name_of(entry).is_none()) {
        Some(entry) => *entry = named,
        None => index.manifests.push(named),
    }
    Ok(())
}

pub(super) fn untag(index: &mut Index, name: &Reference) -> bool {
    let Some(at) = index.manifests.iter().position(|entry| reference(entry).as_ref() == Some(name)) else {
        return false;
    };
    let removed = index.manifests.remove(at);
    if !index.manifests.iter().any(|entry| entry.digest == removed.digest) {
        index.manifests.insert(at, nameless(&removed));
    }
    true
}

fn reference(entry: &Descriptor) -> Option<Reference> {
    name_of(entry)?.parse().ok()
}

/// The entry without its names; what else stands there stays.
fn nameless(entry: &Descriptor) -> Descriptor {
    let mut entry = entry.clone();
    entry.annotations.retain(|key, _| key != NAME && key != REF_NAME);
    entry
}
