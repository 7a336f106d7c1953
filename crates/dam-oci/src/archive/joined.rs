//! Parts of a split file, read as one.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use crate::Error;
use crate::archive::parts::{Part, Parts};
use crate::archive::source::ReadAt;

/// How many parts are open at once. Reading goes forward, so one would nearly do; several readers of one archive are in
/// different parts, and a process may have 1,024 files open.
const OPEN_LIMIT: usize = 8;

/// The parts of a split file as one run of bytes. They are opened where they are read.
#[derive(Debug)]
pub(crate) struct Joined {
    /// With the place where each begins in the whole.
    parts: Vec<(u64, Part)>,
    /// The parts that were read last, by their place in the list, the latest one last.
    open: Mutex<VecDeque<(usize, Arc<File>)>>,
}

impl Joined {
    pub(crate) fn new(parts: &Parts) -> Self {
        let mut start = 0_u64;
        let place = |part: &Part| {
            let placed = (start, part.clone());
            start = start.saturating_add(part.length);
            placed
        };
        Self { parts: parts.list().iter().map(place).collect(), open: Mutex::default() }
    }

    /// Returns the open file of a part.
    fn file(&self, index: usize) -> io::Result<Arc<File>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = open.iter().position(|(known, _)| *known == index) {
            let latest = open.remove(at).expect("just found");
            let file = Arc::clone(&latest.1);
            open.push_back(latest);
            return Ok(file);
        }
        let part = &self.parts[index].1;
        let file = File::open(&part.path).map_err(|error| within(part, error))?;
        // What is joined at other places than it was listed at would be read as damage of something else.
        if file.metadata().map_err(|error| within(part, error))?.len() != part.length {
            return Err(changed(part));
        }
        let file = Arc::new(file);
        if open.len() == OPEN_LIMIT {
            open.pop_front();
        }
        open.push_back((index, Arc::clone(&file)));
        Ok(file)
    }
}

impl ReadAt for Joined {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let behind = self.parts.partition_point(|(start, _)| *start <= at);
        let Some((start, part)) = behind.checked_sub(1).and_then(|index| self.parts.get(index)) else { return Ok(0) };
        let left = part.length.saturating_sub(at - start);
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        match self.file(behind - 1)?.read_at(&mut buffer[..most], at - start) {
            Ok(0) => Err(changed(part)),
            read => read.map_err(|error| within(part, error)),
        }
    }
}

/// Names the part in what the system said of it.
fn within(part: &Part, error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::Interrupted => error,
        // A stick that was pulled out: its folder is empty now, or gone.
        kind => io::Error::new(kind, Error::Lost { what: name(part), source: error }),
    }
}

fn changed(part: &Part) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Error::damaged(name(part), "it changed while it was read"))
}

fn name(part: &Part) -> String {
    format!("`{}`", part.path.display())
}
