//! What a manifest may note of a layer, so that nobody has to unpack it to learn it.
//!
//! | annotation of a layer's descriptor | value |
//! |---|---|
//! | `dam.layer.unpacked-size` | length of the unpacked layer in bytes, decimal |
//! | `dam.layer.roots` | the names at the root of its tree, whiteouts included, sorted, joined by `/` |
//!
//! A note is a claim of whoever made the manifest. Its digest covers the notes, so they stand and fall with the rest: a
//! wrong one harms the image it is about and nothing else. An image from elsewhere has none, which costs time only.

mod survey;

use std::collections::{BTreeMap, BTreeSet};

pub use survey::Survey;

use crate::Descriptor;

const UNPACKED_SIZE: &str = "dam.layer.unpacked-size";
const ROOTS: &str = "dam.layer.roots";
/// A layer with more names at its root, or longer ones in all, gets no note of them.
const MOST_ROOTS: usize = 64;
const LONGEST_ROOTS: usize = 1000;

/// What is known of a layer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LayerNotes {
    /// Length of the unpacked layer in bytes.
    pub unpacked_size: Option<u64>,
    /// The names at the root of its tree, whiteouts included.
    roots: Option<BTreeSet<String>>,
}

impl LayerNotes {
    /// Joins what is known. Roots that cannot be noted count as unknown.
    pub fn new(unpacked_size: Option<u64>, roots: Option<BTreeSet<String>>) -> Self {
        let fits = |roots: &BTreeSet<String>| {
            roots.len() <= MOST_ROOTS && roots.iter().map(|root| root.len() + 1).sum::<usize>() <= LONGEST_ROOTS
        };
        Self { unpacked_size, roots: roots.filter(fits) }
    }

    /// Reads the notes of a descriptor; what cannot be read is not known.
    pub fn read(layer: &Descriptor) -> Self {
        let unpacked_size = layer.annotations.get(UNPACKED_SIZE).and_then(|size| size.parse().ok());
        Self::new(unpacked_size, layer.annotations.get(ROOTS).map(|roots| read_roots(roots)))
    }

    /// Returns the annotations that say the same.
    pub fn annotations(&self) -> BTreeMap<String, String> {
        let size = self.unpacked_size.map(|size| (UNPACKED_SIZE.to_owned(), size.to_string()));
        size.into_iter().chain(self.roots().map(|roots| (ROOTS.to_owned(), roots))).collect()
    }

    /// Returns the roots as they are noted, at most 1,000 bytes.
    pub fn roots(&self) -> Option<String> {
        self.roots.as_ref().map(|roots| roots.iter().map(String::as_str).collect::<Vec<_>>().join("/"))
    }

    /// Makes notes of what [`LayerNotes::roots`] returned.
    pub fn with_roots(unpacked_size: Option<u64>, roots: Option<&str>) -> Self {
        Self::new(unpacked_size, roots.map(read_roots))
    }

    /// Tells whether the layer may change the folder `root` at the root of the tree: holds it, or hides what is below.
    pub fn may_touch(&self, root: &str) -> bool {
        self.roots
            .as_ref()
            .is_none_or(|roots| [root, &format!(".wh.{root}"), ".wh..wh..opq"].iter().any(|name| roots.contains(*name)))
    }
}

fn read_roots(text: &str) -> BTreeSet<String> {
    text.split('/').filter(|root| !root.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::LayerNotes;
    use crate::{Descriptor, media_type};

    fn notes(roots: &[&str]) -> LayerNotes {
        LayerNotes::new(Some(7), Some(roots.iter().map(|root| (*root).to_owned()).collect()))
    }

    #[test]
    fn a_descriptor_carries_them() {
        for notes in [notes(&["usr", "meta", ".wh.bin"]), notes(&[]), LayerNotes::default()] {
            let mut layer = Descriptor::of(media_type::LAYER, b"");
            layer.annotations = notes.annotations();
            assert_eq!(LayerNotes::read(&layer), notes);
        }
        assert_eq!(notes(&["usr", "meta"]).roots().as_deref(), Some("meta/usr"));
    }

    #[test]
    fn a_layer_may_touch_what_it_holds_or_hides() {
        assert!(notes(&["meta", "usr"]).may_touch("meta"));
        assert!(notes(&[".wh.meta"]).may_touch("meta"));
        assert!(notes(&[".wh..wh..opq"]).may_touch("meta"));
        assert!(!notes(&["usr", "metal", ".wh.usr"]).may_touch("meta"));
        assert!(!notes(&[]).may_touch("meta"));
        assert!(LayerNotes::default().may_touch("meta"));
    }

    #[test]
    fn what_does_not_fit_is_unknown() {
        let many: Vec<String> = (0..65).map(|at| at.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(notes(&many).roots(), None);
        assert_eq!(notes(&["x".repeat(1000).as_str()]).roots(), None);
    }
}
