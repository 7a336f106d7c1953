//! A pipe between two threads: one writes what the other sends.
//!
//! ureq pulls the body of a request, and [`dam_oci::visit_blobs`] pushes blobs; something has to stand between. It holds
//! at most [`DEPTH`] pieces of [`PIECE`] bytes.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

const PIECE: usize = 256 << 10;
const DEPTH: usize = 4;

/// Makes a pipe.
pub(super) fn feed() -> (FeedWriter, FeedReader) {
    let (sender, receiver) = sync_channel(DEPTH);
    let writer = FeedWriter { sender, piece: Vec::with_capacity(PIECE), cut: false };
    (writer, FeedReader { receiver, piece: Vec::new(), at: 0, ended: false })
}

/// The end that is written. Dropped without [`FeedWriter::finish`], it makes the reader fail, so that a body which was
/// not completed is never taken for a whole one.
pub(super) struct FeedWriter {
    sender: SyncSender<Option<Vec<u8>>>,
    piece: Vec<u8>,
    cut: bool,
}

impl FeedWriter {
    /// Passes on what is left and says that the body is whole.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.send()?;
        self.sender.send(None).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }

    /// Tells whether the reader went away before the end.
    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }

    fn send(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        self.sender.send(Some(piece)).map_err(|_| {
            self.cut = true;
            io::Error::from(io::ErrorKind::BrokenPipe)
        })
    }
}

impl Write for FeedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&bytes[..count]);
        if self.piece.len() == PIECE {
            self.send()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}

/// The end that is read.
pub(super) struct FeedReader {
    receiver: Receiver<Option<Vec<u8>>>,
    piece: Vec<u8>,
    at: usize,
    ended: bool,
}

impl Read for FeedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() && !self.ended {
            match self.receiver.recv() {
                Ok(Some(piece)) => (self.piece, self.at) = (piece, 0),
                Ok(None) => self.ended = true,
                Err(_) => return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the body was not completed")),
            }
        }
        let count = buffer.len().min(self.piece.len() - self.at);
        buffer[..count].copy_from_slice(&self.piece[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::thread;

    use super::{PIECE, feed};

    #[test]
    fn passes_everything_on() {
        let (mut writer, mut reader) = feed();
        let sent: Vec<u8> = (0..PIECE * 6 + 7).map(|at| at as u8).collect();
        let copy = sent.clone();
        let thread = thread::spawn(move || {
            writer.write_all(&copy).expect("a reader");
            writer.finish().expect("a reader");
        });
        let mut got = Vec::new();
        reader.read_to_end(&mut got).expect("a whole body");
        thread.join().expect("no panic");
        assert_eq!(got, sent);
    }

    #[test]
    fn a_body_that_is_not_finished_is_never_whole() {
        let (mut writer, mut reader) = feed();
        writer.write_all(b"half").expect("a reader");
        writer.flush().expect("a reader");
        drop(writer);
        assert!(reader.read_to_end(&mut Vec::new()).is_err());
    }

    #[test]
    fn the_writer_learns_that_nobody_reads() {
        let (mut writer, reader) = feed();
        drop(reader);
        assert!(writer.write_all(&vec![0; PIECE]).is_err());
        assert!(writer.is_cut());
    }
}
