//! gzip on all cores, in the manner of `pigz`.
//!
//! One gzip member (RFC 1952) whose deflate stream is cut into blocks of 512 KiB of input. Each block may refer to the 32 KiB
//! before it and ends at a byte, so that all can be compressed at once and simply be joined. The bytes depend on the input
//! alone: not on the number of workers, and not on the processor.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::mem;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use flate2::{Compress, Compression, FlushCompress};

/// Bytes of input in a block. It decides the bytes of the output, so it is fixed.
const BLOCK: usize = 512 << 10;
/// Bytes before a block that it may refer to: all that deflate can.
const WINDOW: usize = 32 << 10;
/// The level of the `gzip` program's default.
const LEVEL: u32 = 6;
/// Magic, deflate, no flags, no time, no extra flags, no system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// Compresses what is written to it.
pub(super) struct Encoder<W> {
    out: W,
    block: Vec<u8>,
    window: Vec<u8>,
    jobs: SyncSender<Job>,
    /// Blocks under way, in order.
    waiting: VecDeque<Receiver<Done>>,
    most_waiting: usize,
    workers: Vec<JoinHandle<()>>,
    crc: crc32fast::Hasher,
    /// Bytes of input, as many as fit.
    length: u32,
}

struct Job {
    block: Vec<u8>,
    window: Vec<u8>,
    is_last: bool,
    answer: SyncSender<Done>,
}

struct Done {
    bytes: Vec<u8>,
    crc: crc32fast::Hasher,
}

impl<W: Write> Encoder<W> {
    /// Compresses into `out` with so many workers, at least one.
    pub(super) fn new(mut out: W, workers: u32) -> io::Result<Self> {
        out.write_all(&HEADER)?;
        let count = workers.max(1) as usize;
        let (jobs, queue) = sync_channel(count);
        let queue = Arc::new(Mutex::new(queue));
        let work = |_| {
            let queue = Arc::clone(&queue);
            thread::Builder::new().name("gzip".into()).spawn(move || work(&queue))
        };
        let workers = (0..count).map(work).collect::<io::Result<_>>()?;
        Ok(Self {
            out,
            block: Vec::with_capacity(BLOCK),
            window: Vec::new(),
            jobs,
            waiting: VecDeque::new(),
            most_waiting: 2 * count,
            workers,
            crc: crc32fast::Hasher::new(),
            length: 0,
        })
    }

    /// Writes what is left and returns `out`.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.send(true)?;
        while !self.waiting.is_empty() {
            self.take_one()?;
        }
        let Self { mut out, jobs, workers, crc, length, .. } = self;
        // Without a sender the workers end.
        drop(jobs);
        workers.into_iter().try_for_each(JoinHandle::join).map_err(|_| io::Error::other("a gzip worker failed"))?;
        out.write_all(&crc.finalize().to_le_bytes())?;
        out.write_all(&length.to_le_bytes())?;
        Ok(out)
    }

    fn send(&mut self, is_last: bool) -> io::Result<()> {
        let block = mem::replace(&mut self.block, Vec::with_capacity(if is_last { 0 } else { BLOCK }));
        let next = block[block.len().saturating_sub(WINDOW)..].to_vec();
        let window = mem::replace(&mut self.window, next);
        let (answer, done) = sync_channel(1);
        self.jobs
            .send(Job { block, window, is_last, answer })
            .map_err(|_| io::Error::other("no gzip worker is left"))?;
        self.waiting.push_back(done);
        if self.waiting.len() > self.most_waiting { self.take_one() } else { Ok(()) }
    }

    /// Writes the oldest block that is under way.
    fn take_one(&mut self) -> io::Result<()> {
        let Some(done) = self.waiting.pop_front() else { return Ok(()) };
        let Done { bytes, crc } = done.recv().map_err(|_| io::Error::other("a gzip worker failed"))?;
        self.crc.combine(&crc);
        self.out.write_all(&bytes)
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(BLOCK - self.block.len());
        self.block.extend_from_slice(&bytes[..count]);
        self.length = self.length.wrapping_add(count as u32);
        if self.block.len() == BLOCK {
            self.send(false)?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn work(queue: &Mutex<Receiver<Job>>) {
    let mut deflate = Compress::new(Compression::new(LEVEL), false);
    loop {
        let job = queue.lock().map(|queue| queue.recv());
        let Ok(Ok(Job { block, window, is_last, answer })) = job else { return };
        let Ok(bytes) = compress(&mut deflate, &block, &window, is_last) else { return };
        let mut crc = crc32fast::Hasher::new();
        crc.update(&block);
        // Nobody waits any more where writing has failed.
        _ = answer.send(Done { bytes, crc });
    }
}

/// Compresses a block to whole bytes.
fn compress(deflate: &mut Compress, block: &[u8], window: &[u8], is_last: bool) -> io::Result<Vec<u8>> {
    deflate.reset();
    if !window.is_empty() {
        deflate.set_dictionary(window).map_err(io::Error::other)?;
    }
    let flush = if is_last { FlushCompress::Finish } else { FlushCompress::Sync };
    let mut bytes = Vec::with_capacity(block.len() + block.len() / 1000 + 64);
    loop {
        let done = usize::try_from(deflate.total_in()).expect("at most a block");
        deflate.compress_vec(&block[done..], &mut bytes, flush).map_err(io::Error::other)?;
        if bytes.len() < bytes.capacity() {
            return Ok(bytes);
        }
        // Only a block that does not compress comes here.
        bytes.reserve(4096);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use dam_oci::Digest;
    use flate2::read::GzDecoder;
    use proptest::prelude::{prop, proptest};

    use super::{BLOCK, Encoder};

    fn squeezed(raw: &[u8], workers: u32) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new(), workers).expect("memory does not fail");
        encoder.write_all(raw).expect("memory does not fail");
        encoder.finish().expect("memory does not fail")
    }

    fn unpacked(packed: &[u8]) -> Vec<u8> {
        let mut raw = Vec::new();
        // Of one member only, as some tools read.
        GzDecoder::new(packed).read_to_end(&mut raw).expect("good gzip");
        raw
    }

    /// Text that repeats itself across blocks, and noise that does not compress at all.
    fn mixed(length: usize) -> Vec<u8> {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = |at: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            if (at / 100_000).is_multiple_of(2) { state as u8 } else { (state as u8 & 7) + b'a' }
        };
        (0..length).map(&mut next).collect()
    }

    #[test]
    fn the_number_of_workers_does_not_change_the_bytes() {
        for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 5 * BLOCK + 12_345] {
            let raw = mixed(length);
            let one = squeezed(&raw, 1);
            assert_eq!(unpacked(&one), raw, "{length}");
            assert_eq!(squeezed(&raw, 2), one, "{length}");
            assert_eq!(squeezed(&raw, 4), one, "{length}");
        }
    }

    #[test]
    fn the_bytes_stay_the_same_from_one_version_of_dam_to_the_next() {
        assert_eq!(Digest::of(&squeezed(&mixed(2 * BLOCK + 7), 2)).short(), "07d1531975ef");
    }

    #[test]
    fn blocks_refer_to_what_is_before_them() {
        let raw = b"the same words again and again, ".repeat(100_000);
        assert!(squeezed(&raw, 2).len() < raw.len() / 150);
    }

    proptest! {
        #[test]
        fn what_was_squeezed_is_unpacked(raw in prop::collection::vec(0..4_u8, 0..3000)) {
            assert_eq!(unpacked(&squeezed(&raw, 2)), raw);
        }
    }
}
