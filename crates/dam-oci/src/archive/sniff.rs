//! What the first bytes of a file or a member tell.

use std::io::{self, Read};

use crate::archive::walk::read_full;
use crate::{Compression, Digest, Hasher};

/// Tells how `content` is compressed, and hashes it if it is.
pub(crate) fn pack(content: &mut dyn Read) -> io::Result<Option<(Compression, Digest)>> {
    let mut head = [0; 4];
    let count = read_full(content, &mut head)?;
    let compression = Compression::detect(&head[..count]);
    if compression == Compression::None {
        return Ok(None);
    }
    let mut hasher = Hasher::default();
    hasher.update(&head[..count]);
    let mut buffer = vec![0; 256 << 10];
    loop {
        match read_full(content, &mut buffer)? {
            0 => return Ok(Some((compression, hasher.finish()))),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// Names what a user may hand over by mistake.
pub(crate) fn foreign(head: &[u8]) -> Option<&'static str> {
    match head {
        [b'P', b'K', 3 | 5 | 7, 4 | 6 | 8, ..] => Some("a zip file"),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some("compressed with xz"),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some("compressed with bzip2"),
        [b'7', b'z', 0xbc, 0xaf, ..] => Some("a 7z file"),
        _ => None,
    }
}
