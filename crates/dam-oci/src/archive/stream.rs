//! Walking a tar that arrives as a stream.

use std::collections::HashSet;
use std::io::Read;

use crate::archive::ArchiveFault;
use crate::archive::members::{ENTRY_LIMIT, Named, member};
use crate::archive::source::Stream;
use crate::archive::walk::Walk;
use crate::{Error, Result};

/// A member of a tar stream. Names are clean: no leading `/` or `./`, no `..`.
pub enum Member<'a> {
    /// A file.
    File {
        /// Its name.
        name: &'a str,
        /// Its length in bytes.
        size: u64,
        /// When it was last changed, in seconds since 1970.
        modified: u64,
        /// Its content, of which any part may be left unread.
        content: &'a mut dyn Read,
    },
    /// A link to another member.
    Link {
        /// Its name.
        name: &'a str,
        /// The name of the member it stands for.
        target: &'a str,
    },
}

/// Hands the members of an uncompressed tar to `visit` as they arrive; folders are passed over. `what` names the stream
/// in errors. The stream is read to its end.
///
/// # Errors
/// Those of [`super::Members::open`], and whatever `visit` returns.
pub fn stream(what: &str, reader: impl Read, visit: &mut dyn FnMut(Member<'_>) -> Result<()>) -> Result<()> {
    let mut walk = Walk::new(Stream(reader), ENTRY_LIMIT);
    let mut names = HashSet::new();
    while let Some(entry) = walk.next().map_err(Error::stream(what))? {
        let Some((name, link)) = member(&entry).map_err(Error::stream(what))? else { continue };
        if !names.insert(name.clone()) {
            return Err(Error::Archive { what: what.to_owned(), fault: ArchiveFault::Duplicate { name } });
        }
        let content = &mut Named { inner: &mut walk, what: what.to_owned() };
        match &link {
            None => visit(Member::File { name: &name, size: entry.size, modified: entry.mtime, content })?,
            Some(target) => visit(Member::Link { name: &name, target })?,
        }
    }
    walk.drain().map_err(Error::stream(what))
}
