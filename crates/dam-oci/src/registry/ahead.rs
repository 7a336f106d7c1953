//! Blobs that are fetched while others are still being worked on.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::archive::read_full;
use crate::{Descriptor, Error, Result};

/// Blobs that are on their way at the same time.
const AT_ONCE: usize = 4;
/// Bytes handed over at a time. Larger pieces are memory that the system gives and takes back each time.
const CHUNK: usize = 64 << 10;
/// Pieces of a blob that may wait to be worked on: with [`AT_ONCE`] and [`CHUNK`], 32 MiB in all.
const WAITING: usize = 128;

/// Opens a blob; called by several threads.
pub(super) type Open = dyn Fn(&Descriptor) -> Result<Box<dyn Read + Send>> + Send + Sync;

/// Hands each of `wanted` to `visit`, in this order, while the next ones are fetched already.
pub(super) fn visit(
    open: Arc<Open>,
    wanted: &[Descriptor],
    visit: &mut dyn FnMut(&Descriptor, &mut dyn Read) -> Result<()>,
) -> Result<()> {
    let mut coming: VecDeque<Arriving> = VecDeque::new();
    let mut begun = 0;
    for (at, blob) in wanted.iter().enumerate() {
        while begun < wanted.len() && begun < at + AT_ONCE {
            coming.push_back(Arriving::begin(Arc::clone(&open), wanted[begun].clone())?);
            begun += 1;
        }
        let mut reader = coming.pop_front().expect("this one was begun before, or just now");
        visit(blob, &mut reader)?;
    }
    Ok(())
}

/// A blob that another thread fetches. When it is dropped, that thread ends with its next piece.
struct Arriving {
    pieces: Receiver<Result<Vec<u8>>>,
    piece: io::Cursor<Vec<u8>>,
}

impl Arriving {
    // Not a scoped thread: whoever fails must not wait for a server that has gone silent.
    fn begin(open: Arc<Open>, blob: Descriptor) -> Result<Self> {
        let (sender, pieces) = sync_channel(WAITING);
        let fetch = move || {
            if let Err(error) = fetch(&*open, &blob, &sender) {
                // An error means that nobody listens any more.
                let _ = sender.send(Err(error));
            }
        };
        let begun = thread::Builder::new().name("registry-blob".to_owned()).spawn(fetch);
        begun.map_err(Error::stream("a thread for a download"))?;
        Ok(Self { pieces, piece: io::Cursor::default() })
    }
}

/// Sends a blob piece by piece, until it ends or nobody listens.
fn fetch(open: &Open, blob: &Descriptor, pieces: &SyncSender<Result<Vec<u8>>>) -> Result<()> {
    let mut reader = open(blob)?;
    loop {
        let mut piece = vec![0; CHUNK];
        let count = read_full(&mut *reader, &mut piece).map_err(Error::stream(format!("blob {}", blob.digest)))?;
        piece.truncate(count);
        if count == 0 || pieces.send(Ok(piece)).is_err() {
            return Ok(());
        }
    }
}

impl Read for Arriving {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.piece.read(buffer)? {
                0 if !buffer.is_empty() => match self.pieces.recv() {
                    Ok(Ok(piece)) => self.piece = io::Cursor::new(piece),
                    Ok(Err(error)) => return Err(io::Error::other(error)),
                    Err(_) => return Ok(0),
                },
                count => return Ok(count),
            }
        }
    }
}
