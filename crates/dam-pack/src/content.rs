//! Bytes of files on their way into a package.

use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;

use crate::{Content, WriteError};

/// Watches a package being written: is told how many bytes of contents are done, and says whether to go on. After
/// [`ControlFlow::Break`] nothing is left of the package.
pub type Progress<'a> = dyn FnMut(u64) -> ControlFlow<()> + 'a;

/// A [`Progress`] that looks away.
pub fn unwatched(_done: u64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Makes an error of the wish to stop.
pub(crate) fn go_on(flow: ControlFlow<()>) -> Result<(), WriteError> {
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(WriteError::Stopped),
    }
}

/// Hands the bytes over in pieces, and makes sure that they are as many as was said: headers that told the length are
/// written by then. A piece has the same length on every machine, but for the last.
pub(crate) fn pour(content: &Content, each: &mut dyn FnMut(&[u8]) -> Result<(), WriteError>) -> Result<(), WriteError> {
    let (path, size) = match content {
        Content::Bytes(bytes) => return bytes.chunks(PIECE).try_for_each(each),
        Content::File { path, size } => (path, *size),
    };
    let fault = |source| WriteError::Content { path: path.clone(), source };
    let mut file = File::open(path).map_err(fault)?;
    let mut piece = vec![0; PIECE];
    let mut left = size;
    while left > 0 {
        let want = left.min(PIECE as u64) as usize;
        let length = fill(&mut file, &mut piece[..want]).map_err(fault)?;
        each(&piece[..length])?;
        left -= length as u64;
        if length < want {
            return Err(other_length(path, size, Some(size - left)));
        }
    }
    match fill(&mut file, &mut [0]).map_err(fault)? {
        0 => Ok(()),
        _ => Err(other_length(path, size, None)),
    }
}

const PIECE: usize = 128 << 10;

/// Reads until the piece is full or the file ends.
fn fill(file: &mut File, piece: &mut [u8]) -> std::io::Result<usize> {
    let mut length = 0;
    while length < piece.len() {
        match file.read(&mut piece[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

fn other_length(path: &Path, said: u64, found: Option<u64>) -> WriteError {
    WriteError::Length { path: path.to_owned(), said, found }
}

#[cfg(test)]
mod tests {
    use super::pour;
    use crate::Content;

    fn poured(size: u64, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        std::fs::write(&path, bytes).expect("written");
        let mut all = Vec::new();
        let mut each = |piece: &[u8]| {
            all.extend_from_slice(piece);
            Ok(())
        };
        let result = pour(&Content::File { path, size }, &mut each);
        let folder = format!("{}/", folder.path().display());
        result.map(|()| all).map_err(|error| error.to_string().replace(&folder, ""))
    }

    #[test]
    fn a_file_is_as_long_as_was_said() {
        let bytes: Vec<u8> = (0..300_000).map(|number| number as u8).collect();
        assert_eq!(poured(300_000, &bytes).expect("all of it"), bytes);
        assert_eq!(poured(0, b"").expect("nothing"), b"");
        assert_eq!(poured(4, b"abc").expect_err("short"), "`file` has 3 bytes, not the 4 it had before");
        assert_eq!(poured(2, b"abc").expect_err("long"), "`file` has more than the 2 bytes it had before");
        assert_eq!(poured(0, b"a").expect_err("long"), "`file` has more than the 0 bytes it had before");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let content = Content::File { path: "/nonexistent/file".into(), size: 1 };
        let error = pour(&content, &mut |_| Ok(())).expect_err("missing");
        assert_eq!(error.to_string(), "cannot read `/nonexistent/file`");
    }
}
