//! Telling and undoing the compression of a stream.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use crate::media_type;

/// How a layer or an archive is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// RFC 1952, possibly of several members.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Compression {
    /// Tells the compression from the first bytes of a stream (four are enough). Anything unknown counts as none.
    pub fn detect(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            // A zstd skippable frame, as `pzstd` and seekable zstd put in front.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::None,
        }
    }

    /// Returns the OCI media type of a layer so compressed.
    pub fn layer_media_type(self) -> &'static str {
        match self {
            Self::None => media_type::LAYER,
            Self::Gzip => media_type::LAYER_GZIP,
            Self::Zstd => media_type::LAYER_ZSTD,
        }
    }
}

/// Undoes the compression of `stream`, told by its first bytes.
pub fn decompress<'a>(stream: impl Read + Send + 'a) -> io::Result<(Compression, Box<dyn Read + Send + 'a>)> {
    let mut stream = BufReader::with_capacity(256 << 10, stream);
    let compression = Compression::detect(stream.fill_buf()?);
    let plain: Box<dyn Read + Send> = match compression {
        Compression::None => Box::new(stream),
        Compression::Gzip => Box::new(MultiGzDecoder::new(stream)),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(stream)?;
            // Layers written with `--long=27`, as some registries hold.
            decoder.window_log_max(27)?;
            Box::new(decoder)
        }
    };
    Ok((compression, plain))
}
