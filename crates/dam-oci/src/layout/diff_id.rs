//! The digest of a layer's content, computed beside the reading.
//!
//! To decompress a layer takes several times as long as to fetch and write it: it runs on a thread of its own, and so does
//! the hashing of what comes out. A pull of 336 MB then takes as long as its decompression, not as all three together.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, Scope, ScopedJoinHandle};

use crate::archive::read_full;
use crate::{Compression, Decompressed, Descriptor, Digest, Error, Hasher, Result};

/// Bytes handed over at a time. Larger pieces are memory that the system gives and takes back each time.
const PIECE: usize = 64 << 10;
/// Pieces that may wait between two threads: with [`PIECE`], 2 MiB.
const WAITING: usize = 32;

/// Reads a layer to its end and returns the digest of its content without compression.
///
/// # Errors
/// Those of `reader` before those of the decompression: that the blob is damaged says more.
pub(super) fn diff_id(layer: &Descriptor, reader: &mut dyn Read) -> Result<Digest> {
    let blob = || Error::stream(format!("blob {}", layer.digest));
    let first = next_piece(reader).map_err(blob())?;
    if Compression::detect(&first) == Compression::None {
        while !next_piece(reader).map_err(blob())?.is_empty() {}
        return Ok(layer.digest);
    }
    let unpacked = thread::scope(|scope| {
        let (compressed, hashing) = begin(scope)?;
        let read = send_all(first, reader, &compressed);
        drop(compressed);
        let hashed = hashing.join().expect("it only decompresses and hashes");
        read.map(|()| hashed)
    });
    unpacked.map_err(blob())?.map_err(Error::stream(format!("layer {}", layer.digest)))
}

/// The thread that knows the digest of the content in the end.
type Hashing<'scope> = ScopedJoinHandle<'scope, io::Result<Digest>>;

/// Starts the threads. What is compressed goes to the first of them.
fn begin<'scope>(scope: &'scope Scope<'scope, '_>) -> io::Result<(SyncSender<Vec<u8>>, Hashing<'scope>)> {
    let (compressed, pieces) = sync_channel(WAITING);
    let (plain, content) = sync_channel(WAITING);
    let named = |name: &str| thread::Builder::new().name(name.to_owned());
    let unpacking = named("layer-unpack").spawn_scoped(scope, move || unpack(Pieces::new(pieces), &plain))?;
    let hashing = named("layer-hash").spawn_scoped(scope, move || {
        let mut hasher = Hasher::default();
        content.iter().for_each(|piece: Vec<u8>| hasher.update(&piece));
        unpacking.join().expect("it only decompresses").map(|()| hasher.finish())
    })?;
    Ok((compressed, hashing))
}

/// Hands a stream on, piece by piece. What nobody takes any more is read all the same.
fn send_all(first: Vec<u8>, reader: &mut dyn Read, to: &SyncSender<Vec<u8>>) -> io::Result<()> {
    let mut piece = first;
    while !piece.is_empty() {
        // An error means that what is compressed has come to its end, or is damaged: the other thread says so.
        let _ = to.send(piece);
        piece = next_piece(reader)?;
    }
    Ok(())
}

fn unpack(compressed: Pieces, to: &SyncSender<Vec<u8>>) -> io::Result<()> {
    let mut plain = Decompressed::new(compressed)?;
    loop {
        let piece = next_piece(&mut plain)?;
        if piece.is_empty() || to.send(piece).is_err() {
            return Ok(());
        }
    }
}

/// Reads a full piece; a shorter one at the end, and an empty one behind it.
fn next_piece(reader: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut piece = vec![0; PIECE];
    let count = read_full(reader, &mut piece)?;
    piece.truncate(count);
    Ok(piece)
}

/// Pieces from another thread as a stream.
struct Pieces {
    pieces: Receiver<Vec<u8>>,
    piece: io::Cursor<Vec<u8>>,
}

impl Pieces {
    fn new(pieces: Receiver<Vec<u8>>) -> Self {
        Self { pieces, piece: io::Cursor::default() }
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.piece.read(buffer)? {
                0 if !buffer.is_empty() => match self.pieces.recv() {
                    Ok(piece) => self.piece = io::Cursor::new(piece),
                    Err(_) => return Ok(0),
                },
                count => return Ok(count),
            }
        }
    }
}
