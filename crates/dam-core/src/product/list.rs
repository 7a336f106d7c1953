//! A list as a value.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use dam_oci::{Compression, Reference};

use super::{FAULT_LIMIT, LIST_LIMIT, LineFault, LineReason, ListFault, line};
use crate::app::{App, AppId};
use crate::{Error, Result};

/// The bytes some programs put before UTF-8 text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The apps of a machine, in the order they are installed. May be empty.
///
/// Shown as a file: one app a line, without the comments it may have been read with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProductList {
    /// The apps; no two have the same name and version.
    pub entries: Vec<Entry>,
}

/// An app of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The line it is on, from 1.
    pub line: usize,
    /// Name and version.
    pub id: AppId,
    /// The image: name and version, behind a registry where the list names one.
    pub reference: Reference,
}

impl ProductList {
    /// Lists apps under the names their images have.
    pub fn of<'a>(apps: impl IntoIterator<Item = &'a App>) -> Self {
        let apps = apps.into_iter().enumerate();
        let entry =
            |(at, app): (usize, &App)| Entry { line: at + 1, id: app.id.clone(), reference: app.reference.clone() };
        Self { entries: apps.map(entry).collect() }
    }

    /// Reads a list; `what` names it in errors.
    ///
    /// # Errors
    /// [`ListFault`], with every line that cannot be used.
    pub fn parse(what: &str, bytes: &[u8]) -> Result<Self, ListFault> {
        let what = || what.to_owned();
        if bytes.len() > LIST_LIMIT {
            return Err(ListFault::Large { what: what(), limit: LIST_LIMIT });
        }
        if bytes.contains(&0) {
            return Err(ListFault::Binary { what: what() });
        }
        let (mut list, mut seen) = (Self::default(), HashMap::new());
        let (mut faults, mut more) = (Vec::new(), 0);
        let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        for (line, text) in
            text.split(|&byte| byte == b'\n').enumerate().map(|(at, text)| (at + 1, line::content(text)))
        {
            let app = line::app(text).and_then(|app| match app {
                Some((id, _)) if seen.contains_key(&id) => Err(LineReason::Twice { line: seen[&id] }),
                app => Ok(app),
            });
            match app {
                Ok(None) => {}
                Ok(Some((id, reference))) => {
                    seen.insert(id.clone(), line);
                    list.entries.push(Entry { line, id, reference });
                }
                Err(reason) if faults.len() < FAULT_LIMIT => faults.push(LineFault::new(line, text, reason)),
                Err(_) => more += 1,
            }
        }
        if faults.is_empty() { Ok(list) } else { Err(ListFault::Lines { what: what(), faults, more }) }
    }

    /// Reads the file at `path`, or as much of it as tells that it is no list.
    pub fn read(path: &Path) -> Result<Self> {
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(Error::access(path))?;
        file.take(LIST_LIMIT as u64 + 1).read_to_end(&mut bytes).map_err(Error::access(path))?;
        Ok(Self::parse(&path.display().to_string(), &bytes)?)
    }
}

/// Tells a list from an archive by the first bytes of a file; 512 are enough. Nothing at all is an empty list.
pub fn is_list(head: &[u8]) -> bool {
    !head.contains(&0) && Compression::detect(head) == Compression::None
}

impl fmt::Display for ProductList {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.entries.iter().try_for_each(|entry| writeln!(f, "{}", entry.reference))
    }
}
