//! Telling and undoing the compression of a stream.

use std::io::{self, BufReader, Read};

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

/// A stream with its first bytes put back in front.
type Rejoined<R> = BufReader<io::Chain<io::Cursor<Vec<u8>>, R>>;

enum Kind<R: Read> {
    None(Rejoined<R>),
    Gzip(Box<MultiGzDecoder<Rejoined<R>>>),
    Zstd(zstd::stream::read::Decoder<'static, Rejoined<R>>),
}

impl<R: Read> Decompressed<R> {
    /// Looks at the first four bytes of `stream` to tell its compression. A pipe may hand them out one by one.
    pub fn new(mut stream: R) -> io::Result<Self> {
        let mut head = Vec::with_capacity(4);
        stream.by_ref().take(4).read_to_end(&mut head)?;
        let compression = Compression::detect(&head);
        let stream = BufReader::with_capacity(256 << 10, io::Cursor::new(head).chain(stream));
        Ok(Self(match compression {
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

    /// Reads the compressed stream to its end, so that a reader below can check all of it.
    pub(crate) fn drain_compressed(self) -> io::Result<()> {
        let mut rest = match self.0 {
            Kind::None(stream) => stream,
            Kind::Gzip(decoder) => decoder.into_inner(),
            Kind::Zstd(decoder) => decoder.finish(),
        };
        io::copy(&mut rest, &mut io::sink()).map(drop)
    }
}

impl<R: Read> Read for Decompressed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            Kind::None(stream) => stream.read(buffer),
            Kind::Gzip(decoder) => decoder.read(buffer),
            Kind::Zstd(decoder) => decoder.read(buffer),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read, Write};

    use super::{Compression, decompress};

    /// Hands out one byte at a time, as a pipe may.
    struct Drops<'a>(&'a [u8]);

    impl Read for Drops<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = buffer.len().min(1);
            self.0.read(&mut buffer[..most])
        }
    }

    fn plain(stream: &[u8]) -> (Compression, String) {
        let (compression, mut reader) = decompress(Drops(stream)).expect("the head can be read");
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("a sound stream");
        (compression, text)
    }

    #[test]
    fn streams_that_come_in_drops_are_told_apart() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"text").expect("memory does not fail");
        let gzip = gzip.finish().expect("memory does not fail");
        let zstd = zstd::encode_all(&b"text"[..], 1).expect("memory does not fail");
        let text = || "text".to_owned();
        assert_eq!(plain(b"text"), (Compression::None, text()));
        assert_eq!(plain(&gzip), (Compression::Gzip, text()));
        assert_eq!(plain(&[&gzip[..], &gzip[..]].concat()), (Compression::Gzip, "texttext".to_owned()));
        assert_eq!(plain(&zstd), (Compression::Zstd, text()));
        assert_eq!(plain(b""), (Compression::None, String::new()));
        assert_eq!(plain(b"tex"), (Compression::None, "tex".to_owned()));
    }
}
