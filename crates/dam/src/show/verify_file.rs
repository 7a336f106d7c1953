//! What `dam verify` found in a file.

use dam_core::ops::verify_file::{FileFault, VerifiedFile};
use dam_oci::Digest;

use super::{Show, Words, foreign};
use crate::bytes::Bytes;
use crate::ui::style::{DIM, ERROR, GOOD};

impl Show for VerifiedFile {
    fn words(&self, words: &mut Words) {
        let path = foreign(&self.path.display().to_string());
        let apps = count(self.apps.len(), "app", "apps");
        let blobs = count(self.blobs, "blob", "blobs");
        let bytes = Bytes(self.bytes);
        if self.faults.is_empty() {
            return words.line(format_args!("{GOOD}✓{GOOD:#} {path}: {apps}, {blobs}, {bytes}, every digest holds"));
        }
        words.line(format_args!("{ERROR}✗{ERROR:#} {path}: {apps}, {blobs}, {bytes}"));
        self.faults.iter().for_each(|fault| words.line(format_args!("    {}", fault_words(fault))));
        words.line(count(self.faults.len(), "fault", "faults"));
        // What an app lacks, no other copy has.
        if self.faults.iter().any(|fault| !matches!(fault, FileFault::App { .. })) {
            words.line(format_args!("{DIM}copy the file again from where it came{DIM:#}"));
        }
    }
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Names a blob.
fn blob(what: &str, digest: &Digest) -> String {
    format!("{} ({})", foreign(what), short(digest))
}

fn short(digest: &Digest) -> String {
    format!("sha256:{}…", digest.short())
}

/// Says a fault.
fn fault_words(fault: &FileFault) -> String {
    match fault {
        FileFault::Checksum { name, promised, found } => {
            format!("{}: its name promises the checksum {promised}, its content has {found}", foreign(name))
        }
        FileFault::Length { name, promised, found } => {
            format!("{}: its name promises {promised} bytes, it has {found}", foreign(name))
        }
        FileFault::BrokenOff { archive, reason } => {
            let archive = archive.as_deref().map_or_else(|| "the file".to_owned(), foreign);
            format!("{archive} {}; what is behind that was not looked at", foreign(reason))
        }
        FileFault::Short { what, digest, missing } => {
            let what = digest.map_or_else(|| foreign(what), |digest| blob(what, &digest));
            format!("{what} ends {} early, and the file with it", Bytes(*missing))
        }
        FileFault::Size { what, digest, promised, found } if found < promised => {
            format!("{} ends {} early", blob(what, digest), Bytes(promised - found))
        }
        FileFault::Size { what, digest, promised, found } => {
            format!("{} is {} too long", blob(what, digest), Bytes(found.saturating_sub(*promised)))
        }
        FileFault::Content { what, digest, found } => {
            format!("{} has other content ({})", blob(what, digest), short(found))
        }
        FileFault::Compression { what, digest, reason } => {
            format!("{} cannot be unpacked: {}", blob(what, digest), foreign(reason))
        }
        FileFault::DiffId { what, digest, promised, found } => {
            let (promised, found) = (short(promised), short(found));
            format!("{} is another layer when unpacked: {found}, not {promised}", blob(what, digest))
        }
        FileFault::UnpackedSize { what, digest, promised, found } => {
            format!("{} has {found} bytes when unpacked, not {promised}", blob(what, digest))
        }
        FileFault::Missing { what, name } => format!("{} is missing ({})", foreign(what), foreign(name)),
        FileFault::Unnamed { name, bytes } => {
            format!("nothing names {}, which has {}", foreign(name), Bytes(*bytes))
        }
        FileFault::Document { name, reason } => format!("{} {}", foreign(name), foreign(reason)),
        FileFault::App { app, reason } => format!("{} {}", foreign(app), foreign(reason)),
        FileFault::Trailing { bytes } => format!("{} follow behind the end of the archive", Bytes(*bytes)),
    }
}
