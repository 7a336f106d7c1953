//! Writing a layer: tar, DiffID and compression in one pass.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use tar::EntryType;
use zstd::zstd_safe::CParameter;

use super::BlobSink;
use super::spool::{Content, Fetched, Span, missing};
use super::tree::{Kind, Node};
use crate::context::{SizedReader, Source};
use crate::tar_writer::{Facts, TarWriter};
use crate::{Descriptor, Digest, Error, Hasher, LayerNotes, Result, Survey, media_type};

/// Bytes handed from thread to thread at a time.
const CHUNK: usize = 128 << 10;
/// Chunks that may wait.
const QUEUE: usize = 16;
/// zstd's own default.
const LEVEL: i32 = 3;
/// Bytes one worker compresses at a time. zstd's own 8 MiB take twice the memory and give a layer of a few megabytes to
/// one worker alone.
const JOB: u32 = 4 << 20;
/// More workers do not pay at this level, and each takes some 15 MiB.
const WORKERS: std::ops::RangeInclusive<u32> = 2..=4;

/// Writes a layer of `nodes` to `sink`; returns its descriptor, with notes, and its DiffID.
///
/// One thread reads files and hashes the tar, this one feeds zstd's workers and the sink. zstd cuts its input at the
/// same places whatever the number of workers, so the bytes do not depend on the machine.
pub(super) fn write(
    nodes: &BTreeMap<String, Arc<Node>>,
    fetched: &Fetched,
    sink: &dyn BlobSink,
) -> Result<(Descriptor, Digest)> {
    let mut passed = None;
    let descriptor = sink.put(media_type::LAYER_ZSTD, &mut |writer| {
        passed = Some(pipe(nodes, fetched, writer)?);
        Ok(())
    })?;
    let (diff_id, notes) = passed.ok_or_else(|| Error::damaged("layer", "the sink took it without reading it"))?;
    Ok((Descriptor { annotations: notes.annotations(), ..descriptor }, diff_id))
}

fn pipe(
    nodes: &BTreeMap<String, Arc<Node>>,
    fetched: &Fetched,
    writer: &mut dyn Write,
) -> Result<(Digest, LayerNotes)> {
    let (sender, receiver) = sync_channel(QUEUE);
    thread::scope(|scope| {
        let producer = scope.spawn(move || produce(nodes, fetched, sender));
        let cores = thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX));
        let workers = cores.clamp(*WORKERS.start(), *WORKERS.end());
        let compressed = compress(receiver, writer, workers).map_err(Error::stream("layer"));
        let produced = match producer.join() {
            Ok(produced) => produced,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        // If the compressor failed, the producer only saw it hang up.
        compressed.and(produced)
    })
}

/// Compresses until the producer is done or gone.
fn compress(chunks: impl IntoIterator<Item = Vec<u8>>, writer: &mut dyn Write, workers: u32) -> io::Result<()> {
    let mut encoder = zstd::stream::write::Encoder::new(writer, LEVEL)?;
    encoder.multithread(workers)?;
    encoder.set_parameter(CParameter::JobSize(JOB))?;
    for chunk in chunks {
        encoder.write_all(&chunk)?;
    }
    encoder.finish()?.flush()
}

fn produce(
    nodes: &BTreeMap<String, Arc<Node>>,
    fetched: &Fetched,
    sender: SyncSender<Vec<u8>>,
) -> Result<(Digest, LayerNotes)> {
    let (hasher, survey) = (Hasher::default(), Survey::default());
    let mut tar = TarWriter::new(Chunks { sender, chunk: Vec::with_capacity(CHUNK), hasher, survey });
    for (path, node) in nodes {
        entry(&mut tar, path, node, fetched)?;
    }
    tar.finish().and_then(Chunks::finish).map_err(Error::stream("layer"))
}

/// Hashes what is written and hands it on in chunks.
struct Chunks {
    sender: SyncSender<Vec<u8>>,
    chunk: Vec<u8>,
    hasher: Hasher,
    survey: Survey,
}

impl Chunks {
    fn send(&mut self, next: Vec<u8>) -> io::Result<()> {
        let chunk = std::mem::replace(&mut self.chunk, next);
        self.hasher.update(&chunk);
        self.survey.feed(&chunk);
        self.sender.send(chunk).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn finish(mut self) -> io::Result<(Digest, LayerNotes)> {
        self.send(Vec::new())?;
        Ok((self.hasher.finish(), self.survey.finish()))
    }
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.chunk.len() == CHUNK {
            self.send(Vec::with_capacity(CHUNK))?;
        }
        let count = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn entry(tar: &mut TarWriter<impl Write>, path: &str, node: &Node, fetched: &Fetched) -> Result<()> {
    let stream = || Error::stream("layer");
    let Node { mode, uid, gid, mtime, ref xattrs, .. } = *node;
    let facts = |kind| Facts { mode, uid, gid, mtime, xattrs, ..Facts::new(path, kind) };
    match &node.kind {
        Kind::Folder => tar.header(&facts(EntryType::Directory)).map_err(stream()),
        Kind::Symlink(target) => tar.header(&Facts { target, ..facts(EntryType::Symlink) }).map_err(stream()),
        // A special file is refused where it is copied.
        Kind::Special => Ok(()),
        Kind::File { size, content } => {
            tar.header(&Facts { size: *size, ..facts(EntryType::Regular) }).map_err(stream())?;
            match content {
                Content::Context(Source::Bytes(bytes)) => tar.write(bytes).map_err(stream())?,
                Content::Context(Source::Disk(path)) => {
                    let file = File::open(path).map_err(Error::access(path))?;
                    copy(tar, file, *size, Error::access(path))?;
                }
                Content::Spool(span) => {
                    copy(tar, SpanReader::new(span, *size), *size, Error::stream("temporary file"))?
                }
                Content::Layer(file) => {
                    let span = fetched.get(file).ok_or_else(|| missing(file))?;
                    copy(tar, SpanReader::new(span, *size), *size, Error::stream("temporary file"))?;
                }
            }
            tar.pad(*size).map_err(stream())
        }
    }
}

fn copy(
    tar: &mut TarWriter<impl Write>,
    reader: impl Read,
    size: u64,
    fault: impl FnOnce(io::Error) -> Error,
) -> Result<()> {
    let mut reader = SizedReader::new(reader, size);
    loop {
        match reader.next_chunk(tar.buffer()) {
            Ok(Some(count)) => tar.write_buffered(count).map_err(Error::stream("layer"))?,
            Ok(None) => return Ok(()),
            Err(error) => return Err(fault(error)),
        }
    }
}

/// Reads bytes of the spool file without moving its position, which other readers share.
struct SpanReader<'a> {
    span: &'a Span,
    at: u64,
    size: u64,
}

impl<'a> SpanReader<'a> {
    fn new(span: &'a Span, size: u64) -> Self {
        Self { span, at: 0, size }
    }
}

impl Read for SpanReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.size - self.at).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.span.file.read_at(&mut buffer[..most], self.span.start + self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::{JOB, WORKERS, compress};

    #[test]
    fn the_bytes_do_not_depend_on_the_number_of_workers() {
        // Neither all alike nor without order, and longer than what one worker takes at a time.
        let first: Vec<u8> = (0..JOB as usize / 4).map(|i| (((i * i) >> 7) ^ (i >> 3)) as u8).collect();
        let chunk = |at: usize| [&first[at..], &first[..at]].concat();
        let compressed = |workers: u32| {
            let mut bytes = Vec::new();
            compress((0..20).map(chunk), &mut bytes, workers).expect("memory does not fail");
            bytes
        };
        let least = compressed(*WORKERS.start());
        assert!(least == compressed(*WORKERS.end()));
        assert!(least == compressed(3));
    }
}
