//! What a person names: a file, or an image.

use std::path::PathBuf;
use std::str::FromStr;

use dam_oci::archive::PartName;
use dam_oci::{ParseReferenceError, Reference};

/// Endings that make a word a file name.
const SUFFIXES: [&str; 9] = [".dam", ".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst", ".tar.zstd", ".oci", ".001"];

/// What `install`, `upgrade` and `info` are given.
///
/// Told by the word alone, never by what lies in the current folder: a file that happens to be called `shop:1.0` must
/// not be installed in place of the image. A file is named with a leading `/`, `./` or `../`, or by a known ending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An archive.
    File(PathBuf),
    /// An image with a version (tag) or digest.
    Image(Reference),
    /// An image without a version: the newest is meant.
    Newest(Reference),
}

impl FromStr for Target {
    type Err = ParseReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path = ["/", "./", "../"].iter().any(|start| text.starts_with(start));
        let is_file = |text: &str| SUFFIXES.iter().any(|suffix| text.len() > suffix.len() && text.ends_with(suffix));
        // A later part of a split file is none that can be read, but no image either.
        let part = PartName::read(text.as_ref()).and_then(|part| Some(is_file(part.stem().to_str()?)));
        if path || is_file(text) || part == Some(true) {
            return Ok(Self::File(PathBuf::from(text)));
        }
        let reference: Reference = text.parse()?;
        let exact = reference.tag().is_some() || reference.digest().is_some();
        Ok(if exact { Self::Image(reference) } else { Self::Newest(reference) })
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn the_word_alone_tells() {
        let read = |text: &str| text.parse::<Target>().expect(text);
        for file in ["./shop:1.0", "/media/shop", "../x", "shop-1.0.dam", "a/b.tar.zst", "site.dam.001", "a/x.tar.012"]
        {
            assert_eq!(read(file), Target::File(file.into()), "{file}");
        }
        for image in ["shop:1.0", "localhost:5000/shop:1.0", "a/b:1", "shop:1.0.002"] {
            assert_eq!(read(image), Target::Image(image.parse().expect(image)), "{image}");
        }
        assert_eq!(read("a/b"), Target::Newest("a/b".parse().expect("a name")));
        assert!(".dam".parse::<Target>().is_err());
    }
}
