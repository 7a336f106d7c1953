//! Keeping the cache within its limit.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::{Duration, SystemTime};

use super::Cache;

/// A file that may go.
struct Entry {
    used: SystemTime,
    size: u64,
    path: PathBuf,
}

/// While it lives, what is used of the cache stays, whatever the limit says; see [`Cache::spare`].
#[derive(Debug)]
pub struct Spared {
    cache: Cache,
}

impl Cache {
    /// Spares what is used from now on, by this value and its clones, until the result is dropped: who needs many layers at
    /// once would lose the first to the last, and make them again and again. The cache may exceed its limit meanwhile.
    pub fn spare(&self) -> Spared {
        // File systems are a little behind the clock.
        self.set_spared(Some(SystemTime::now() - Duration::from_secs(2)));
        Spared { cache: self.clone() }
    }

    fn set_spared(&self, since: Option<SystemTime>) {
        *self.spared.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    /// Deletes what was not used for the longest time until the rest fits the limit; `keep` stays. Temporary files that a
    /// killed dam left behind are files like all others and grow old. What cannot be deleted is left for the next time.
    pub(super) fn evict(&self, keep: &Path) {
        let since = *self.spared.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entries = entries(&self.folder);
        let mut total: u64 = entries.iter().map(|entry| entry.size).sum();
        if total <= self.limit {
            return;
        }
        entries.retain(|entry| entry.path != keep && since.is_none_or(|since| entry.used < since));
        entries.sort_by(|a, b| (a.used, &a.path).cmp(&(b.used, &b.path)));
        for entry in entries {
            if total <= self.limit {
                break;
            }
            if fs::remove_file(&entry.path).is_ok() {
                total -= entry.size;
            }
        }
    }
}

impl Drop for Spared {
    fn drop(&mut self) {
        self.cache.set_spared(None);
        self.cache.evict(Path::new(""));
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
