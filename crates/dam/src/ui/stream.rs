//! A stream that shows colours or not.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Stdout, stderr, or a buffer of the tests.
pub(crate) struct Stream {
    writer: Mutex<Box<dyn Write + Send>>,
    colour: bool,
}

impl Stream {
    /// Wraps a writer; without `colour`, colours are taken out of what is written.
    pub(crate) fn new(writer: impl Write + Send + 'static, colour: bool) -> Self {
        Self { writer: Mutex::new(Box::new(writer)), colour }
    }

    /// Returns a writer that passes bytes on as they are; until it is dropped, nobody else can write.
    pub(crate) fn pour(&self) -> impl Write + '_ {
        Poured(self.writer.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes and flushes, so that a full disk or a closed pipe is noticed now and not never.
    pub(crate) fn write(&self, text: &str) -> io::Result<()> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if self.colour || !text.contains('\x1b') {
            writer.write_all(text.as_bytes())?;
        } else {
            write!(writer, "{}", anstream::adapter::strip_str(text))?;
        }
        writer.flush()
    }
}

/// See [`Stream::pour`].
struct Poured<'a>(MutexGuard<'a, Box<dyn Write + Send>>);

impl Write for Poured<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
