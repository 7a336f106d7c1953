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
    let plain = Decompressed::new(stream)?;
    Ok((plain.compression(), Box::new(plain)))
}

/// A stream with its compression undone. Unlike [`decompress`] it takes readers that cannot change threads, such as
/// those that [`crate::visit_blobs`] hands out.
pub struct Decompressed<R: Read>(Kind<R>);

enum Kind<R: Read> {
    None(BufReader<R>),
    Gzip(Box<MultiGzDecoder<BufReader<R>>>),
    Zstd(zstd::stream::read::Decoder<'static, BufReader<R>>),
}

impl<R: Read> Decompressed<R> {
    /// Looks at the first bytes of `stream` to tell its compression.
    pub fn new(stream: R) -> io::Result<Self> {
        let mut stream = BufReader::with_capacity(256 << 10, stream);
        Ok(Self(match Compression::detect(stream.fill_buf()?) {
            Compression::None => Kind::None(stream),
            Compression::Gzip => Kind::Gzip(Box::new(MultiGzDecoder::new(stream))),
            Compression::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(stream)?;
                // Layers written with `--long=27`, as some registries hold.
                decoder.window_log_max(27)?;
                Kind::Zstd(decoder)
            }
        }))
    }

    /// Returns the compression that is undone.
    pub fn compression(&self) -> Compression {
        match self.0 {
            Kind::None(_) => Compression::None,
            Kind::Gzip(_) => Compression::Gzip,
            Kind::Zstd(_) => Compression::Zstd,
        }
    }
}

impl<R: Read> Read for Decompressed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            Kind::None(stream) => stream.read(buffer),
            Kind::Gzip(stream) => stream.read(buffer),
            Kind::Zstd(stream) => stream.read(buffer),
        }
    }
}
