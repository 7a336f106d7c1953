//! The members of an archive file: a list made when it is opened, and their bytes when they are asked for.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::archive::budget::Budget;
use crate::archive::joined::Joined;
use crate::archive::name::{clean_member, resolve, show};
use crate::archive::outer::Outer;
use crate::archive::parts::{PartName, Parts, file_name};
use crate::archive::sniff::{foreign, pack};
use crate::archive::source::{Section, Source};
use crate::archive::walk::{Entry, Kind, Walk, invalid, read_full};
use crate::archive::{ArchiveFault, NameFault};
use crate::{Compression, Digest, Error, JSON_LIMIT, Result};

/// The most entries of an archive that are read. A bundle of 1,000 apps with 20 own layers each has a fifth of it.
pub const ENTRY_LIMIT: u64 = 100_000;

/// The most links that are followed to a file.
const LINK_LIMIT: usize = 8;

/// The members of an archive: a tar, plain or compressed with gzip or zstd as a whole.
///
/// Opening reads the headers of a plain tar, and all of a compressed one, once; nothing is unpacked to disk and memory
/// does not grow with the size of the members. Folders are left out: the names of files say it all.
#[derive(Debug)]
pub struct Members {
    path: PathBuf,
    /// The archive, as messages name it.
    what: String,
    parts: Option<Parts>,
    whole: Section,
    budget: Arc<Budget>,
    compression: Compression,
    list: Vec<Member>,
    by_name: HashMap<String, usize>,
    kept: HashMap<usize, Vec<u8>>,
}

#[derive(Debug)]
struct Member {
    name: String,
    size: u64,
    offset: u64,
    /// The clean name of the member this is a link to.
    link: Option<String>,
    /// For a member that is itself compressed, in an archive that is too: how, and its digest.
    packed: Option<(Compression, Digest)>,
}

/// What goes on with a member during a visit.
type VisitMember<'a> = dyn FnMut(usize, &mut dyn Read) -> Result<()> + 'a;

impl Members {
    /// Opens the archive at `path` and lists its members. The first part of a split file stands for all, as
    /// [`Parts::find`] finds them.
    ///
    /// # Errors
    /// [`Error::Access`] where the file cannot be opened, [`Error::Lost`] where it cannot be read, [`Error::Archive`] where
    /// it is no archive, or a damaged or hostile one, and those of [`Parts::find`].
    pub fn open(path: &Path) -> Result<Self> {
        let parts = Parts::find(path)?;
        let whole = open_whole(path, parts.as_ref())?;
        let what = format!("`{}`", path.display());
        let later = PartName::read(path).filter(|name| name.number() > 1);
        Self::list_of(path, what, parts, whole, Arc::default()).map_err(|error| match (error, later) {
            (Error::Archive { what, fault: ArchiveFault::NotTar }, Some(later)) => {
                Error::Archive { what, fault: ArchiveFault::NotFirst { first: file_name(&later.sibling(1)) } }
            }
            (error, _) => error,
        })
    }

    /// Opens a member as an archive of its own, where it lies; `None` if there is none of that name. In errors it is named
    /// together with this archive.
    ///
    /// # Errors
    /// As [`Members::open`], and [`Error::Unsupported`] where this archive is compressed as a whole: each pass over one
    /// within it would be one over all of it.
    pub fn nested(&self, name: &str) -> Result<Option<Self>> {
        let Some(index) = self.find(name)? else { return Ok(None) };
        let what = format!("`{}` in {}", show(name.as_bytes()), self.name());
        match self.compression {
            Compression::None => {
                Self::list_of(&self.path, what, None, self.section(index), Arc::clone(&self.budget)).map(Some)
            }
            _ => Err(Error::Unsupported { what: format!("{what}, which is compressed as a whole,") }),
        }
    }

    fn list_of(path: &Path, what: String, parts: Option<Parts>, whole: Section, budget: Arc<Budget>) -> Result<Self> {
        let (list, by_name, kept) = (Vec::new(), HashMap::new(), HashMap::new());
        let (path, compression) = (path.to_owned(), Compression::None);
        let mut members = Self { path, what, parts, whole, budget, compression, list, by_name, kept };
        members.read_list().map_err(members.fault())?;
        Ok(members)
    }

    /// Tells the compression and lists the members.
    fn read_list(&mut self) -> io::Result<()> {
        if self.length() == 0 {
            return Err(invalid(ArchiveFault::Empty));
        }
        let mut head = [0; 8];
        let count = read_full(&mut self.whole.clone(), &mut head)?;
        if let Some(kind) = foreign(&head[..count]) {
            return Err(invalid(ArchiveFault::Foreign(kind)));
        }
        self.compression = Compression::detect(&head[..count]);
        match self.compression {
            Compression::None if self.length() < 512 && self.parts.is_none() => Err(invalid(ArchiveFault::NotTar)),
            Compression::None => {
                let walk = Walk::new(self.whole.clone(), ENTRY_LIMIT).with_end(self.parts.is_some());
                self.scan(walk)
            }
            Compression::Gzip | Compression::Zstd => {
                let walk = self.outer()?;
                self.scan(walk)
            }
        }
    }

    /// Returns the file's path as it was given; of an archive within another, that of the outer one.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the parts, if the archive is a split file.
    pub fn parts(&self) -> Option<&Parts> {
        self.parts.as_ref()
    }

    /// Returns the length of the archive in bytes, all parts together.
    pub fn length(&self) -> u64 {
        self.whole.length()
    }

    /// Returns how the archive is compressed as a whole. A plain one gives any member at once, others are read from the
    /// front.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// Returns clean name and size (in bytes) of the files, in the order of the archive.
    pub fn list(&self) -> impl Iterator<Item = (&str, u64)> {
        self.list.iter().filter(|member| member.link.is_none()).map(|member| (member.name.as_str(), member.size))
    }

    /// Reads a small member, such as `manifest.json`; `None` if there is none of that name.
    ///
    /// # Errors
    /// As [`Members::read`], and [`ArchiveFault::Large`] for a member over [`JSON_LIMIT`].
    pub fn bytes(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.find(name)?.map(|index| self.bytes_at(index)).transpose()
    }

    /// Opens a member; `None` if there is none of that name. The bytes are unchecked.
    ///
    /// # Errors
    /// [`ArchiveFault::Dangling`] where the member is a link to nothing.
    pub fn read(&self, name: &str) -> Result<Option<Box<dyn Read + Send + '_>>> {
        self.find(name)?.map(|index| self.open_at(index)).transpose()
    }

    /// Finds the file behind a name, following links inside the archive.
    pub(crate) fn find(&self, name: &str) -> Result<Option<usize>> {
        let Some(&first) = self.by_name.get(name) else { return Ok(None) };
        let mut index = first;
        for _ in 0..LINK_LIMIT {
            let Some(target) = &self.list[index].link else { return Ok(Some(index)) };
            match self.by_name.get(target) {
                Some(&next) => index = next,
                None => break,
            }
        }
        Err(self.refuse(ArchiveFault::Dangling { name: name.to_owned() }))
    }

    pub(crate) fn size_at(&self, index: usize) -> u64 {
        self.list[index].size
    }

    pub(crate) fn bytes_at(&self, index: usize) -> Result<Vec<u8>> {
        let Member { name, size, .. } = &self.list[index];
        if *size > JSON_LIMIT {
            return Err(self.refuse(ArchiveFault::Large { name: name.clone(), size: *size, limit: JSON_LIMIT }));
        }
        if let Some(bytes) = self.kept.get(&index) {
            return Ok(bytes.clone());
        }
        let mut bytes = Vec::new();
        self.open_at(index)?.read_to_end(&mut bytes).map_err(self.fault())?;
        Ok(bytes)
    }

    pub(crate) fn open_at(&self, index: usize) -> Result<Box<dyn Read + Send + '_>> {
        let what = self.name();
        if self.compression == Compression::None {
            return Ok(Box::new(Named { inner: self.section(index), what }));
        }
        let mut walk = self.outer().map_err(self.fault())?;
        for at in 0..=index {
            self.step(&mut walk, at)?;
        }
        Ok(Box::new(Named { inner: walk, what }))
    }

    /// Hands the members at `wanted` to `visit`, in the order of the archive, in one pass.
    pub(crate) fn visit(&self, wanted: &[usize], visit: &mut VisitMember<'_>) -> Result<()> {
        let mut wanted = wanted.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        if self.compression == Compression::None {
            return wanted
                .into_iter()
                .try_for_each(|index| visit(index, &mut Named { inner: self.section(index), what: self.name() }));
        }
        let mut walk = self.outer().map_err(self.fault())?;
        let mut next = 0;
        for index in wanted {
            while next <= index {
                self.step(&mut walk, next)?;
                next += 1;
            }
            visit(index, &mut Named { inner: &mut walk, what: self.name() })?;
        }
        Ok(())
    }

    /// Tells how a member is itself compressed, with its digest if it is.
    pub(crate) fn packed(&self, index: usize) -> Result<Option<(Compression, Digest)>> {
        if self.compression != Compression::None {
            return Ok(self.list[index].packed);
        }
        pack(&mut self.section(index)).map_err(self.fault())
    }

    pub(crate) fn refuse(&self, fault: ArchiveFault) -> Error {
        Error::Archive { what: self.name(), fault }
    }

    /// Names the archive as messages do.
    pub(crate) fn name(&self) -> String {
        self.what.clone()
    }

    /// Names the archive in an error of reading it.
    fn fault(&self) -> impl FnOnce(io::Error) -> Error + use<> {
        let reading = Error::reading(self.name());
        let broken_off = self.parts.as_ref().map(Parts::broken_off);
        move |error| match (reading(error), broken_off) {
            (Error::Archive { what, fault }, Some(broken_off)) if fault.is_breaking_off() => {
                Error::Archive { what, fault: broken_off }
            }
            (error, _) => error,
        }
    }

    fn section(&self, index: usize) -> Section {
        let Member { offset, size, .. } = self.list[index];
        self.whole.part(offset, size)
    }

    fn outer(&self) -> io::Result<Walk<Outer<Section>>> {
        Ok(Walk::new(Outer::new(self.whole.clone())?, ENTRY_LIMIT).with_end(self.parts.is_some()))
    }

    /// Lists the members in one pass. Of a compressed archive, what will be needed of each is kept now.
    fn scan<S: Source>(&mut self, mut walk: Walk<S>) -> io::Result<()> {
        while let Some(entry) = walk.next()? {
            let Some((name, link)) = member(&entry)? else { continue };
            self.budget.take_entry()?;
            let index = self.list.len();
            if self.by_name.insert(name.clone(), index).is_some() {
                return Err(invalid(ArchiveFault::Duplicate { name }));
            }
            let packed = match self.compression {
                Compression::None => None,
                _ => self.keep(&name, &entry, &mut walk)?,
            };
            self.list.push(Member { name, size: entry.size, offset: entry.offset, link, packed });
        }
        // The checksum of a compressed stream stands at its end.
        match self.compression {
            Compression::None => Ok(()),
            _ => walk.drain(),
        }
    }

    /// Keeps the bytes of the next member if it is small and may be JSON or a list; hashes it if it is compressed.
    fn keep<S: Source>(
        &mut self,
        name: &str,
        entry: &Entry,
        walk: &mut Walk<S>,
    ) -> io::Result<Option<(Compression, Digest)>> {
        let mut head = [0; 4];
        let count = read_full(walk, &mut head)?;
        let head = &head[..count];
        let may_be_asked_for = !name.contains('/') || matches!(head.first(), Some(b'{' | b'['));
        if entry.size <= JSON_LIMIT && may_be_asked_for && self.budget.take_bytes(entry.size) {
            let mut bytes = head.to_vec();
            walk.read_to_end(&mut bytes)?;
            let packed = pack(&mut &bytes[..]);
            self.kept.insert(self.list.len(), bytes);
            return packed;
        }
        // A blob of a layout carries its digest in its name.
        match name.starts_with("blobs/") {
            true => Ok(None),
            false => pack(&mut head.chain(walk)),
        }
    }

    /// Goes to the member `index` of a second pass, which must meet what the first one met.
    fn step(&self, walk: &mut Walk<Outer<Section>>, index: usize) -> Result<()> {
        while let Some(entry) = walk.next().map_err(self.fault())? {
            match member(&entry).map_err(self.fault())? {
                None => continue,
                Some((name, _)) if name == self.list[index].name && entry.size == self.list[index].size => {
                    return Ok(());
                }
                Some(_) => break,
            }
        }
        Err(Error::damaged(self.name(), "it changed while it was read"))
    }
}

/// Opens the bytes of an archive file, all parts of a split one, and returns them with their length. Nothing is looked at.
///
/// # Errors
/// [`Error::Access`] where the file cannot be opened, [`ArchiveFault::NotFile`], and those of [`Parts::find`].
pub fn open_bytes(path: &Path) -> Result<(Box<dyn Read + Send>, u64)> {
    let whole = open_whole(path, Parts::find(path)?.as_ref())?;
    let length = whole.length();
    Ok((Box::new(whole), length))
}

fn open_whole(path: &Path, parts: Option<&Parts>) -> Result<Section> {
    match parts {
        Some(parts) => Ok(Section::new(Arc::new(Joined::new(parts)), 0, parts.length())),
        None => file(path),
    }
}

/// Opens a whole file.
fn file(path: &Path) -> Result<Section> {
    // Asked before opening, which would wait forever for the other end of a pipe.
    let about = fs::metadata(path).map_err(Error::access(path))?;
    if !about.is_file() {
        return Err(Error::Archive { what: format!("`{}`", path.display()), fault: ArchiveFault::NotFile });
    }
    let file = File::open(path).map_err(Error::access(path))?;
    Ok(Section::new(Arc::new(file), 0, about.len()))
}

/// Returns the clean name of an entry, and that of the entry it links to; `None` for folders.
pub(crate) fn member(entry: &Entry) -> io::Result<Option<(String, Option<String>)>> {
    let refuse = |reason| invalid(ArchiveFault::Name { name: show(&entry.name), reason });
    let name = clean_member(&entry.name).map_err(refuse)?;
    let outside = |target: &[u8]| invalid(ArchiveFault::Outside { name: name.clone(), target: show(target) });
    let link = match &entry.kind {
        Kind::Folder => return Ok(None),
        Kind::Special(kind) => return Err(invalid(ArchiveFault::Special { name, kind })),
        _ if name.is_empty() => return Err(refuse(NameFault::Empty)),
        Kind::File => None,
        Kind::HardLink(target) => Some(clean_member(target).map_err(|_| outside(target))?),
        Kind::Symlink(target) => {
            let text = std::str::from_utf8(target).ok().filter(|text| text.len() <= 1024);
            let resolved = text.and_then(|text| resolve(&name, text)).ok_or_else(|| outside(target))?;
            Some(clean_member(resolved.as_bytes()).map_err(|_| outside(target))?)
        }
    };
    Ok(Some((name, link)))
}

/// Puts the archive's name into the errors of a reader.
pub(crate) struct Named<R> {
    pub(crate) inner: R,
    pub(crate) what: String,
}

impl<R: Read> Read for Named<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            kind => io::Error::new(kind, Error::reading(self.what.clone())(error)),
        })
    }
}
