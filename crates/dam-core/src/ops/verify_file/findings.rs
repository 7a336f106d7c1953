//! What was found so far.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as _;

use dam_oci::{ArchiveFault, Config, Digest, Error, Manifest, Reference};

use super::FileFault;
use super::pass::{Fact, Pass, blob_digest, blob_name};
use crate::bundle::Head;

/// The faults so far, and what the later checks need of the earlier ones.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) faults: Vec<FileFault>,
    /// What people know a blob as; the first app that uses it counts.
    names: BTreeMap<Digest, String>,
    /// Blobs that were looked at, by whether they are sound.
    looked_at: BTreeMap<Digest, bool>,
    /// The images whose `/meta` can be looked at: their documents and blobs are sound.
    pub(super) images: Vec<SoundImage>,
    /// The `dam.json`, if the file is a bundle of dam 2.
    pub(super) head: Option<Head>,
    /// Layers that were unpacked and compared.
    unpacked: BTreeSet<(Digest, Digest)>,
}

/// An image of which every blob is sound.
pub(super) struct SoundImage {
    pub(super) reference: Reference,
    pub(super) bytes: Vec<u8>,
    pub(super) manifest: Manifest,
    pub(super) config: Config,
    /// Its place in `dam.json`.
    pub(super) place: usize,
}

/// What a layer is to be.
pub(super) struct Promised {
    pub(super) diff_id: Digest,
    pub(super) unpacked_size: Option<u64>,
}

impl Findings {
    pub(super) fn add(&mut self, fault: FileFault) {
        self.faults.push(fault);
    }

    /// Remembers what people know a blob as.
    pub(super) fn name(&mut self, digest: Digest, what: impl FnOnce() -> String) {
        self.names.entry(digest).or_insert_with(what);
    }

    /// Begins with another archive, whose blobs are not those of the one before.
    pub(super) fn begin_archive(&mut self) {
        self.names.clear();
        self.looked_at.clear();
        self.unpacked.clear();
    }

    pub(super) fn is_named(&self, digest: Digest) -> bool {
        self.names.contains_key(&digest)
    }

    /// Says that a document or an app is not as it should be.
    pub(super) fn document(&mut self, name: impl Into<String>, reason: impl Into<String>) {
        self.add(FileFault::Document { name: name.into(), reason: reason.into() });
    }

    pub(super) fn app(&mut self, app: &Reference, reason: impl Into<String>) {
        self.add(FileFault::App { app: app.to_string(), reason: reason.into() });
    }

    /// Looks at a blob of an OCI layout once, and returns whether it is there and sound.
    pub(super) fn blob(&mut self, pass: &Pass, digest: Digest, size: Option<u64>) -> bool {
        if let Some(&sound) = self.looked_at.get(&digest) {
            return sound;
        }
        let what = self.names.get(&digest).cloned().unwrap_or_else(|| "a blob".to_owned());
        let fault = match (pass.blob(digest), size) {
            // What lies behind the place where the reading ended is not missing: it was not looked at.
            (None, _) if pass.ended.is_some() => None,
            (None, _) => Some(FileFault::Missing { what, name: blob_name(digest) }),
            (Some(fact), Some(size)) if fact.size != size => {
                Some(FileFault::Size { what, digest, promised: size, found: fact.size })
            }
            (Some(fact), _) if fact.digest != digest => Some(FileFault::Content { what, digest, found: fact.digest }),
            (Some(_), _) => None,
        };
        let sound = fault.is_none() && pass.blob(digest).is_some();
        self.looked_at.insert(digest, sound);
        self.faults.extend(fault);
        sound
    }

    /// Compares a layer of which the bytes are sound with what it is to be when it is unpacked; returns whether it is that.
    pub(super) fn layer(&mut self, what: &str, fact: &Fact, promised: &Promised) -> bool {
        let (what, digest) = (what.to_owned(), fact.digest);
        let is_first = self.unpacked.insert((digest, promised.diff_id));
        let fault = match &fact.unpacked {
            Err(reason) => FileFault::Compression { what, digest, reason: reason.clone() },
            Ok((found, _)) if *found != promised.diff_id => {
                FileFault::DiffId { what, digest, promised: promised.diff_id, found: *found }
            }
            Ok((_, found)) => match promised.unpacked_size {
                Some(size) if size != *found => FileFault::UnpackedSize { what, digest, promised: size, found: *found },
                _ => return true,
            },
        };
        if is_first {
            self.add(fault);
        }
        false
    }

    /// Says why the reading ended before the end, of the file or of an archive in it.
    pub(super) fn end(&mut self, ended: Option<&Error>, archive: Option<&str>) {
        let archive = archive.map(str::to_owned);
        let fault = match ended {
            None => return,
            Some(Error::Archive { fault: ArchiveFault::Short { member, missing }, .. }) => {
                let digest = blob_digest(member);
                let known = digest.and_then(|digest| self.names.get(&digest));
                let what = known.cloned().unwrap_or_else(|| format!("`{member}`"));
                FileFault::Short { what, digest, missing: *missing }
            }
            Some(Error::Archive { fault, .. }) => FileFault::BrokenOff { archive, reason: fault.to_string() },
            Some(error) => {
                let causes = std::iter::successors(error.source(), |&cause| cause.source());
                let reason = causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"));
                FileFault::BrokenOff { archive, reason }
            }
        };
        self.add(fault);
    }
}
