//! What a `/meta` tar holds, checked: the one door for bytes from a store and for kept copies alike.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use tar::EntryType;

use super::entry::{Entry, Kind, NAME_LIMIT, check_name, refused, shown};
use super::extensions::{Extensions, cut_off};
use super::{DESCRIPTION_LIMIT, ENTRY_LIMIT, EntryFault, MetaError, SIZE_LIMIT};
use crate::app::HookName;

/// The most bytes all names and targets may have together: the index is in memory.
const NAMES_LIMIT: usize = 32 << 20;
/// Bytes of a tar block.
const BLOCK: u64 = 512;
/// The most links followed from one name, as the kernel counts.
const LINK_LIMIT: usize = 40;

/// The entries by name, so sorted: a folder comes before what lies in it. Every parent is there and is a folder.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) entries: BTreeMap<Vec<u8>, Entry>,
    /// Hard links not yet looked up.
    hard: BTreeMap<Vec<u8>, Vec<u8>>,
    names: usize,
    size: u64,
}

impl Index {
    /// Reads the index of the tar `file`, of which nothing is believed.
    pub(super) fn read(file: &File) -> Result<Self, MetaError> {
        let length = (&*file).seek(SeekFrom::End(0)).map_err(MetaError::Tar)?;
        (&*file).seek(SeekFrom::Start(0)).map_err(MetaError::Tar)?;
        let mut archive = tar::Archive::new(file);
        let mut index = Self::default();
        let mut extensions = Extensions::default();
        let mut end = 0;
        for entry in archive.entries_with_seek().map_err(MetaError::Tar)?.raw(true) {
            let mut entry = entry.map_err(MetaError::Tar)?;
            let (offset, size) = (entry.raw_file_position(), entry.size());
            // Checked before the next step seeks past it: a claimed size is only a claim.
            end = match offset.checked_add(size).and_then(|end| end.checked_next_multiple_of(BLOCK)) {
                Some(end) if end <= length => end,
                _ => return Err(cut_off()),
            };
            let kind = entry.header().entry_type();
            let name = entry.path_bytes().into_owned();
            if extensions.take(kind, &name, &mut entry)? {
                continue;
            }
            let known = std::mem::take(&mut extensions);
            let name = known.name.unwrap_or(name);
            if known.size.is_some_and(|known| known != size) {
                return Err(refused(&name, EntryFault::Pax));
            }
            let mode = entry.header().mode().map_err(MetaError::Tar)? & 0o777;
            let target = known.target.or_else(|| entry.link_name_bytes().map(|target| target.into_owned()));
            index.add(&name, mode, kind, (offset, size), target.unwrap_or_default())?;
        }
        // Readers of tar take an end without the blocks of zeros that mark it, so a stream that broke off between two
        // entries would look whole.
        if length < end + BLOCK {
            return Err(cut_off());
        }
        index.resolve_hard_links()?;
        index.add_parents()?;
        Ok(index)
    }

    fn add(
        &mut self,
        raw: &[u8],
        mode: u32,
        kind: EntryType,
        (offset, size): (u64, u64),
        target: Vec<u8>,
    ) -> Result<(), MetaError> {
        let name = check_name(raw)?;
        self.count(name.len() + target.len())?;
        let kind = match kind {
            EntryType::Directory => Kind::Folder,
            EntryType::Regular | EntryType::Continuous if raw.ends_with(b"/") => {
                return Err(refused(raw, EntryFault::Name));
            }
            EntryType::Regular | EntryType::Continuous => {
                self.measure(size)?;
                Kind::File { offset, size }
            }
            EntryType::Symlink if target.is_empty() || target.len() > NAME_LIMIT || target.contains(&0) => {
                return Err(refused(raw, EntryFault::Target));
            }
            EntryType::Symlink => Kind::Link { target },
            EntryType::Link => {
                return match self.hard.insert(name, target) {
                    None => Ok(()),
                    Some(_) => Err(refused(raw, EntryFault::Twice)),
                };
            }
            EntryType::Char | EntryType::Block | EntryType::Fifo => return Err(refused(raw, EntryFault::Device)),
            other => return Err(refused(raw, EntryFault::Kind(other.as_byte()))),
        };
        self.insert(name, Entry { mode: if matches!(kind, Kind::Link { .. }) { 0o777 } else { mode }, kind })
    }

    /// Takes an entry in. The same folder twice is the habit of some tar writers; anything else twice is two truths.
    fn insert(&mut self, name: Vec<u8>, entry: Entry) -> Result<(), MetaError> {
        match self.entries.get(&name) {
            Some(known) if *known == entry && entry.kind == Kind::Folder => Ok(()),
            Some(_) => Err(refused(&name, EntryFault::Twice)),
            None => {
                self.entries.insert(name, entry);
                Ok(())
            }
        }
    }

    fn count(&mut self, bytes: usize) -> Result<(), MetaError> {
        self.names += bytes;
        if self.entries.len() + self.hard.len() >= ENTRY_LIMIT || self.names > NAMES_LIMIT {
            return Err(MetaError::TooMany { limit: ENTRY_LIMIT });
        }
        Ok(())
    }

    fn measure(&mut self, size: u64) -> Result<(), MetaError> {
        self.size = self.size.saturating_add(size);
        if self.size > SIZE_LIMIT { Err(MetaError::TooLarge { limit: SIZE_LIMIT }) } else { Ok(()) }
    }

    /// Makes every hard link a file of its own; its bytes count again, as they will on disk.
    fn resolve_hard_links(&mut self) -> Result<(), MetaError> {
        let links = std::mem::take(&mut self.hard);
        for (name, target) in &links {
            let fault = || refused(name, EntryFault::HardLink(shown(target)));
            let mut goal = check_name(target).map_err(|_| fault())?;
            for _ in 0..LINK_LIMIT {
                match links.get(&goal) {
                    Some(next) => goal = check_name(next).map_err(|_| fault())?,
                    None => break,
                }
            }
            let Some(file @ Entry { kind: Kind::File { size, .. }, .. }) = self.entries.get(&goal).cloned() else {
                return Err(fault());
            };
            self.measure(size)?;
            self.insert(name.clone(), file)?;
        }
        Ok(())
    }

    /// Adds the folders nobody listed and refuses what lies below something that is no folder.
    fn add_parents(&mut self) -> Result<(), MetaError> {
        let mut missing = Vec::new();
        for name in self.entries.keys() {
            for (at, _) in name.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
                match self.entries.get(&name[..at]) {
                    Some(Entry { kind: Kind::Folder, .. }) => {}
                    Some(_) => return Err(refused(&name[..at], EntryFault::NotFolder)),
                    None if missing.last().is_some_and(|last: &Vec<u8>| *last == name[..at]) => {}
                    None => missing.push(name[..at].to_vec()),
                }
            }
        }
        if self.entries.len() + missing.len() > ENTRY_LIMIT {
            return Err(MetaError::TooMany { limit: ENTRY_LIMIT });
        }
        let folder = Entry { mode: 0o755, kind: Kind::Folder };
        self.entries.extend(missing.into_iter().map(|name| (name, folder.clone())));
        match self.entries.get(b"meta".as_slice()) {
            Some(Entry { kind: Kind::Folder, .. }) | None => Ok(()),
            Some(_) => Err(refused(b"meta", EntryFault::NotFolder)),
        }
    }

    /// Finds what `name` stands for, following links that stay inside; `None` if it leads nowhere or outside.
    pub(super) fn resolve(&self, name: &[u8]) -> Option<&Entry> {
        let mut ahead: Vec<Vec<u8>> = name.split(|byte| *byte == b'/').rev().map(<[u8]>::to_vec).collect();
        let mut here: Vec<u8> = Vec::new();
        let mut links = 0;
        while let Some(part) = ahead.pop() {
            match part.as_slice() {
                b"" | b"." => continue,
                b".." => here.truncate(here.iter().rposition(|byte| *byte == b'/')?),
                part => {
                    let before = here.len();
                    if before > 0 {
                        here.push(b'/');
                    }
                    here.extend_from_slice(part);
                    let entry = self.entries.get(&here)?;
                    if let Kind::Link { target } = &entry.kind {
                        links += 1;
                        if target.starts_with(b"/") || links > LINK_LIMIT {
                            return None;
                        }
                        here.truncate(before);
                        ahead.extend(target.split(|byte| *byte == b'/').rev().map(<[u8]>::to_vec));
                    } else if !ahead.is_empty() && entry.kind != Kind::Folder {
                        return None;
                    }
                }
            }
        }
        self.entries.get(&here)
    }

    /// Returns the hooks that are there.
    pub(super) fn hooks(&self) -> Vec<HookName> {
        let file = |hook: &HookName| {
            let entry = self.resolve(format!("meta/{}", hook.file()).as_bytes());
            matches!(entry, Some(Entry { kind: Kind::File { .. }, .. }))
        };
        HookName::ALL.into_iter().filter(file).collect()
    }

    /// Reads up to `limit` bytes of the file `name` out of the tar; `None` if it is no file.
    pub(super) fn read_file(&self, tar: &File, name: &[u8], limit: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(Entry { kind: Kind::File { offset, size }, .. }) = self.resolve(name) else { return Ok(None) };
        let mut bytes = Vec::new();
        content(tar, *offset, (*size).min(limit))?.read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// Reads the start of `DESCRIPTION`; a character that the limit cuts in half is left out.
    pub(super) fn description(&self, tar: &File) -> io::Result<Option<String>> {
        let Some(mut bytes) = self.read_file(tar, b"meta/DESCRIPTION", DESCRIPTION_LIMIT)? else { return Ok(None) };
        if let Err(error) = std::str::from_utf8(&bytes)
            && error.error_len().is_none()
        {
            bytes.truncate(error.valid_up_to());
        }
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }
}

/// Opens `size` bytes of `tar` from `offset`. One at a time: they share the file's position.
pub(super) fn content(tar: &File, offset: u64, size: u64) -> io::Result<io::Take<&File>> {
    let mut tar = tar;
    tar.seek(SeekFrom::Start(offset))?;
    Ok(tar.take(size))
}
