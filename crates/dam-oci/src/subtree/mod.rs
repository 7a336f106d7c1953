//! One folder of an image, as a container would see it.
//!
//! Each layer is read once, in whatever order its source gives it; what it says of the folder is spooled to a file, and the
//! layers are merged base first. Whiteouts: <https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md#whiteouts>.

mod budget;
mod spool;
mod view;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use crate::archive::clean;
use crate::{Image, Layer, LayerNotes, Result, layers, visit_layers};

use budget::Budget;
use spool::Spool;
use view::View;

/// What [`subtree`] takes on at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Entries of the folder, over all layers.
    pub entries: u64,
    /// Content of the folder in bytes, over all layers. So much is spooled to disk.
    pub bytes: u64,
}

impl Default for Limits {
    /// A million entries, 1 GiB.
    fn default() -> Self {
        Self { entries: 1_000_000, bytes: 1 << 30 }
    }
}

/// Writes the folder `root` (such as `meta`) of `image` to `out`, as a plain tar with entries `meta/`, `meta/install` and
/// so on, in byte order. Returns whether the image has such a folder; if not, nothing is written.
///
/// Kept of an entry are kind, permission bits, time in seconds and content; the owner is 0 and extended attributes go.
/// Hard links become files of their own. Files are spooled to nameless files in the folder `scratch`.
///
/// # Errors
/// [`crate::Error::Blob`] where a layer is damaged; [`crate::Error::Archive`] where the folder holds a device, a pipe or a
/// file in GNU's packed form, or is over `limits`; [`crate::Error::Access`] where `scratch` cannot be written.
pub fn subtree(image: &dyn Image, root: &str, limits: Limits, scratch: &Path, out: &mut dyn Write) -> Result<bool> {
    let top = root.split('/').find(|part| !matches!(*part, "" | ".")).unwrap_or_default();
    let root = clean(root.as_bytes()).unwrap_or_default();
    let mut layers = layers(image)?;
    // What a manifest notes of its layers saves unpacking those that have nothing to do with the folder.
    layers.retain(|layer| LayerNotes::read(&layer.blob).may_touch(top));
    let mut budget = Budget::new(limits);
    let mut spools: Vec<Spool> = layers.iter().map(|layer| Spool::new(&root, layer.name(), scratch)).collect();
    visit_layers(image, &layers, &mut |layer, content| spools[place(&layers, layer)].read(content, &mut budget))?;
    // A hard link to a file outside of the folder: only now is it known which file.
    let again: Vec<Layer> = layers.iter().filter(|layer| spools[place(&layers, layer)].needs_more()).cloned().collect();
    if !again.is_empty() {
        visit_layers(image, &again, &mut |layer, content| {
            spools[place(&layers, layer)].read_outside(content, &mut budget)
        })?;
    }
    let mut view = View::new(&root);
    let positions: BTreeSet<(usize, usize)> =
        layers.iter().enumerate().flat_map(|(at, layer)| layer.positions.iter().map(move |&p| (p, at))).collect();
    for (_, at) in positions {
        view.add(at, &spools[at], &mut budget)?;
    }
    view.write(&spools, out)
}

fn place(layers: &[Layer], layer: &Layer) -> usize {
    layers.iter().position(|known| known == layer).expect("it comes from this list")
}
