//! Reading a package of a repository, once, while it is hashed.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use crate::ReadError;
use crate::repo::draft::{Facts, Tally};
use crate::repo::{Progress, RepositoryError};

const PIECE: usize = 128 << 10;

/// Reads a package with `read` and then to its very end.
pub(super) fn package<T>(
    path: &Path,
    progress: &Progress<'_>,
    read: impl FnOnce(&mut dyn Read) -> Result<T, ReadError>,
) -> Result<(T, Facts), RepositoryError> {
    let file = File::open(path).map_err(|source| RepositoryError::Access { path: path.to_owned(), source })?;
    let fault = |source| RepositoryError::Package { path: path.to_owned(), source };
    let mut input = BufReader::with_capacity(PIECE, Watched { file: Tally::new(file), progress, stopped: false });
    let what = read(&mut input);
    let what = what.and_then(|what| io::copy(&mut input, &mut io::sink()).map(|_| what).map_err(ReadError::Input));
    let watched = input.into_inner();
    if watched.stopped {
        return Err(RepositoryError::Stopped);
    }
    Ok((what.map_err(fault)?, watched.file.finish().1))
}

struct Watched<'a> {
    file: Tally<File>,
    progress: &'a Progress<'a>,
    stopped: bool,
}

impl Read for Watched<'_> {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(piece)?;
        self.stopped |= (self.progress)(count as u64).is_break();
        if self.stopped { Err(io::ErrorKind::Other.into()) } else { Ok(count) }
    }
}
