//! What is noted of layers that are not kept here, because they came compressed and stay as they are.
//!
//! It takes an unpacking to learn it, and it never changes. The file is the frame that follows a layer (see `layer`), with the
//! DiffID where the digest of the compressed bytes would stand.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use dam_oci::{Digest, LayerNotes};

use super::{Cache, Form, layer};
use crate::{Error, Result};

impl Cache {
    /// Returns what is noted of a layer, if it is there and sound.
    pub fn notes(&self, diff_id: Digest) -> Option<LayerNotes> {
        let path = self.notes_path(diff_id);
        let file = fs::File::open(&path).ok()?;
        match layer::read_frame(&file, diff_id) {
            Some((digest, notes)) if digest == diff_id => {
                _ = file.set_modified(SystemTime::now());
                Some(notes)
            }
            _ => {
                _ = fs::remove_file(&path);
                None
            }
        }
    }

    /// Keeps what is noted of a layer; the unpacked length must be among it. Notes that cannot be written are not kept,
    /// which is no error: they can be taken again.
    pub fn put_notes(&self, diff_id: Digest, notes: &LayerNotes) {
        let path = self.notes_path(diff_id);
        if notes.unpacked_size.is_some() && self.write_notes(diff_id, notes, &path).is_ok() {
            self.evict(&path);
        }
    }

    fn write_notes(&self, diff_id: Digest, notes: &LayerNotes, path: &Path) -> Result<()> {
        let mut temp = self.temp_file("notes")?;
        temp.write_all(&layer::trailer(diff_id, Form::default(), diff_id, notes)).map_err(Error::access(path))?;
        temp.persist(path).map_err(|error| Error::access(path)(error.error))?;
        Ok(())
    }

    fn notes_path(&self, diff_id: Digest) -> PathBuf {
        self.folder.join("notes").join(diff_id.hex())
    }
}
