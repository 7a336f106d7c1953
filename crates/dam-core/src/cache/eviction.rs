//! Keeping the cache within its limit.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file that may go.
struct Entry {
    used: SystemTime,
    size: u64,
    path: PathBuf,
}

/// Deletes what was not used for the longest time until the rest fits `limit` bytes; `keep` stays. Temporary files that
/// a killed dam left behind are files like all others and grow old. What cannot be deleted is left for the next time.
pub(super) fn evict(folder: &Path, limit: u64, keep: &Path) {
    let mut entries = entries(folder);
    let mut total: u64 = entries.iter().map(|entry| entry.size).sum();
    if total <= limit {
        return;
    }
    entries.sort_by(|a, b| (a.used, &a.path).cmp(&(b.used, &b.path)));
    for entry in entries.iter().filter(|entry| entry.path != keep) {
        if total <= limit {
            break;
        }
        if fs::remove_file(&entry.path).is_ok() {
            total -= entry.size;
        }
    }
}

fn entries(folder: &Path) -> Vec<Entry> {
    let folders = super::FOLDERS.map(|name| folder.join(name));
    let files = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().filter_map(Result::ok);
    files
        .filter_map(|file| {
            let metadata = file.metadata().ok()?;
            Some(Entry { used: metadata.modified().ok()?, size: metadata.len(), path: file.path() })
        })
        .collect()
}
