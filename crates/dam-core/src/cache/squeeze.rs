//! Compressing a layer, hashing both sides in the same pass.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use dam_oci::{Digest, Hasher, LayerNotes, Survey};
use zstd::stream::raw::CParameter;

use super::{Form, gzip, layer};
use crate::{Error, Result};

/// Bytes of raw layer that one worker takes at a time. It decides the bytes of the output together with the level, so
/// it is fixed; the number of workers does not (tested below). Memory is about five times this for each worker.
const JOB: u32 = 2 << 20;

/// The same for levels that look further back than a small job is long.
const LARGE_JOB: u32 = 16 << 20;
const LARGE_FROM: u8 = 10;

/// Levels from 20 on would look back up to 128 MiB: so much memory each one needs who unpacks, and a GiB each worker here.
const ULTRA_FROM: u8 = 20;
/// What level 19 has: 8 MiB of window, and tables of 64 and 16 MiB.
const ULTRA: [CParameter; 3] = [CParameter::WindowLog(23), CParameter::ChainLog(24), CParameter::HashLog(22)];

/// More workers would only wait for the reader, and memory grows with them.
const MOST_WORKERS: usize = 4;

/// Bytes read at a time, and how many such pieces may wait for the workers.
const PIECE: usize = 256 << 10;
const WAITING: usize = 8;

/// What is known of a layer when its last byte is compressed.
pub(super) struct Squeezed {
    /// Digest of the raw bytes.
    pub(super) diff_id: Digest,
    /// What is noted of the raw bytes, their length always.
    pub(super) notes: LayerNotes,
    /// Digest of the compressed bytes.
    pub(super) digest: Digest,
    /// Length of the compressed bytes.
    pub(super) size: u64,
}

impl Squeezed {
    /// Returns the frame that follows the layer in its file.
    pub(super) fn trailer(&self, form: Form) -> [u8; layer::TRAILER] {
        layer::trailer(self.diff_id, form, self.digest, &self.notes)
    }
}

/// Compresses `raw` into `file` with as many workers as the machine has cores. `path` is the file's name, for errors.
pub(super) fn squeeze(raw: &mut dyn Read, form: Form, file: &mut File, path: &Path) -> Result<Squeezed> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let workers = u32::try_from(cores.min(MOST_WORKERS)).expect("a small number");
    squeeze_with(raw, form, file, path, workers)
}

/// The same with a given number of workers. At least one: without workers zstd cuts its input otherwise.
fn squeeze_with(raw: &mut dyn Read, form: Form, out: impl Write + Send, path: &Path, workers: u32) -> Result<Squeezed> {
    let mut encoder = Encoder::new(form, Tally::new(out), workers).map_err(Error::access(path))?;
    let (sender, receiver) = sync_channel::<Vec<u8>>(WAITING);
    thread::scope(|scope| {
        // A thread of its own hands the workers their bytes, so that they never wait for the reader or its hash.
        let feeder = scope.spawn(move || {
            receiver.iter().try_for_each(|piece| encoder.write_all(&piece))?;
            encoder.finish()
        });
        let read = send_pieces(raw, sender);
        let Tally { hasher, size, .. } = feeder.join().expect("it does not panic").map_err(Error::access(path))?;
        let (diff_id, notes) = read?;
        Ok(Squeezed { diff_id, notes, digest: hasher.finish(), size })
    })
}

/// Reads `raw` to its end and sends it on in pieces; returns its digest and what is noted of it. Ends early, without an error, when
/// nobody takes the pieces any more: the other side knows why.
fn send_pieces(raw: &mut dyn Read, sender: SyncSender<Vec<u8>>) -> Result<(Digest, LayerNotes)> {
    let (mut hasher, mut survey) = (Hasher::default(), Survey::default());
    loop {
        let mut piece = vec![0; PIECE];
        let count = match raw.read(&mut piece) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Error::Oci(dam_oci::Error::stream("layer")(error))),
        };
        piece.truncate(count);
        hasher.update(&piece);
        survey.feed(&piece);
        if count == 0 || sender.send(piece).is_err() {
            return Ok((hasher.finish(), survey.finish()));
        }
    }
}

/// The encoder of a form.
enum Encoder<W: Write> {
    Zstd(zstd::stream::write::Encoder<'static, W>),
    Gzip(gzip::Encoder<W>),
}

impl<W: Write> Encoder<W> {
    fn new(form: Form, out: W, workers: u32) -> io::Result<Self> {
        let Form::Zstd(level) = form else { return Ok(Self::Gzip(gzip::Encoder::new(out, workers)?)) };
        let mut encoder = zstd::stream::write::Encoder::new(out, level.number().into())?;
        encoder.multithread(workers)?;
        let job = if level.number() < LARGE_FROM { JOB } else { LARGE_JOB };
        encoder.set_parameter(CParameter::JobSize(job))?;
        if level.number() >= ULTRA_FROM {
            ULTRA.into_iter().try_for_each(|parameter| encoder.set_parameter(parameter))?;
        }
        Ok(Self::Zstd(encoder))
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Zstd(encoder) => encoder.write_all(bytes),
            Self::Gzip(encoder) => encoder.write_all(bytes),
        }
    }

    fn finish(self) -> io::Result<W> {
        match self {
            Self::Zstd(encoder) => encoder.finish(),
            Self::Gzip(encoder) => encoder.finish(),
        }
    }
}

/// Hashes and counts what it passes on.
struct Tally<W> {
    inner: W,
    hasher: Hasher,
    size: u64,
}

impl<W> Tally<W> {
    fn new(inner: W) -> Self {
        Self { inner, hasher: Hasher::default(), size: 0 }
    }
}

impl<W: Write> Write for Tally<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use dam_oci::Digest;

    use super::{Form, squeeze_with};

    /// Bytes that compress a little and never repeat exactly, enough for several jobs.
    fn layer(length: usize) -> Vec<u8> {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state as u8 & 0x3f) + b' '
        };
        (0..length).map(|_| next()).collect()
    }

    fn squeezed(raw: &[u8], workers: u32) -> (Vec<u8>, Digest) {
        squeezed_as(Form::default(), raw, workers)
    }

    fn squeezed_as(form: Form, raw: &[u8], workers: u32) -> (Vec<u8>, Digest) {
        let mut out = Vec::new();
        let facts = squeeze_with(&mut &raw[..], form, &mut out, Path::new("layer"), workers);
        let facts = facts.expect("memory does not fail");
        assert_eq!((facts.diff_id, facts.notes.unpacked_size), (Digest::of(raw), Some(raw.len() as u64)));
        assert_eq!((facts.digest, facts.size), (Digest::of(&out), out.len() as u64));
        assert_eq!(zstd::decode_all(&out[..]).expect("good zstd"), raw);
        (out, facts.digest)
    }

    #[test]
    fn the_number_of_workers_does_not_change_the_bytes() {
        for length in [0, 1, 100_000, 600_000, (9 << 20) + 12_345] {
            let raw = layer(length);
            let one = squeezed(&raw, 1);
            assert_eq!(one, squeezed(&raw, 2), "{length}");
            assert_eq!(one, squeezed(&raw, 4), "{length}");
        }
    }

    #[test]
    fn no_level_depends_on_the_number_of_workers() {
        for (level, length) in [("1", 5 << 20), ("10", 17 << 20), ("22", 1 << 20)] {
            let (form, raw) = (Form::Zstd(level.parse().expect("a level")), layer(length));
            assert_eq!(squeezed_as(form, &raw, 1).1, squeezed_as(form, &raw, 3).1, "{level}");
        }
    }

    #[test]
    fn the_bytes_stay_the_same_from_one_version_of_dam_to_the_next() {
        let (_, digest) = squeezed(&layer((5 << 20) + 7), 2);
        assert_eq!(digest.short(), "a6d2c12c0e99");
    }
}
