//! Reading an `.rpm`.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::ops::Range;

use md5::Md5;
use sha2::{Digest, Sha256};

use crate::rpm::cpio_read::{Fault, Found, member};
use crate::rpm::measured::hex;
use crate::rpm::parsed::Parsed;
use crate::rpm::{constructs, lead, tag, view};
use crate::unpack::{XZ_START, unpack};
use crate::{Compression, EntryView, KindView, PackageView, ReadError, RoleView, Visitor};

/// How much may follow the archive's last member: some fill a block.
const MOST_FILL: u64 = 1 << 20;

/// Reads an `.rpm` of format 4 of any maker from its beginning to its end, once, checking all digests on the way:
/// <https://rpm-software-management.github.io/rpm/manual/format_v4.html>.
///
/// Every file is shown to `visitor` as it passes. Source packages are not read, nor bzip2 and lzma.
pub fn read(input: &mut dyn Read, visitor: &mut Visitor) -> Result<PackageView, ReadError> {
    read_whole(input, visitor).map(|whole| whole.view)
}

/// A package that was read, with the headers that say more than a view holds.
pub(crate) struct Whole {
    pub(crate) view: PackageView,
    pub(super) signatures: Parsed,
    pub(super) header: Parsed,
    /// Where the header lies in the file, in bytes.
    pub(super) place: Range<u64>,
}

/// Reads as [`read`] does, and keeps the headers.
pub(crate) fn read_whole(input: &mut dyn Read, visitor: &mut Visitor) -> Result<Whole, ReadError> {
    let mut lead = [0; lead::LENGTH];
    exact(input, &mut lead, "lead")?;
    if !lead::is_lead(&lead) {
        return Err(damaged("lead", "it is no binary .rpm"));
    }
    let signatures = Parsed::read(input, SIGNATURE, tag::SIGNATURES)?;
    let fill = signatures.raw().len().wrapping_neg() % 8;
    exact(input, &mut [0; 8][..fill], SIGNATURE)?;
    let header = Parsed::read(input, HEADER, tag::IMMUTABLE)?;
    check_header(&signatures, &header)?;
    let mut view = view::view(&header)?;
    let (by, start) = read_payload(input, &signatures, &header, &mut view.entries, visitor)?;
    view.constructs = constructs::constructs(&signatures, &header, by, &start);
    view.entries.sort_by(|one, other| one.path.cmp(&other.path));
    let begin = lead.len() + signatures.raw().len() + fill;
    let place = begin as u64..(begin + header.raw().len()) as u64;
    Ok(Whole { view, signatures, header, place })
}

const SIGNATURE: &str = "signature header";
const HEADER: &str = "header";
const PAYLOAD: &str = "payload";

fn damaged(part: &str, fault: &str) -> ReadError {
    ReadError::Damaged { part: part.to_owned(), fault: fault.to_owned() }
}

fn exact(input: &mut dyn Read, bytes: &mut [u8], part: &str) -> Result<(), ReadError> {
    input.read_exact(bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => damaged(part, "it ends early"),
        _ => ReadError::Input(error),
    })
}

fn check_header(signatures: &Parsed, header: &Parsed) -> Result<(), ReadError> {
    let sha1 = || hex(ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, header.raw()).as_ref());
    let sha256 = || hex(&Sha256::digest(header.raw()));
    let same = |tag, digest: &dyn Fn() -> String| signatures.text(tag).is_none_or(|said| said == digest());
    if same(tag::SIG_SHA1, &sha1) && same(tag::SIG_SHA256, &sha256) {
        return Ok(());
    }
    Err(damaged(HEADER, "it has another digest than the package says"))
}

/// The compressed payload on its way to the decompressor.
struct Payload<'a> {
    input: &'a mut dyn Read,
    sha256: Sha256,
    md5: Md5,
    /// The first bytes.
    start: Vec<u8>,
    /// What the system said when it failed to read. Decoders would say it in their own words.
    lost: Option<io::Error>,
}

impl Read for Payload<'_> {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        let count = match self.input.read(piece) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => {
                let kind = error.kind();
                self.lost = Some(error);
                return Err(kind.into());
            }
        };
        let piece = &piece[..count];
        self.sha256.update(piece);
        self.md5.update(piece);
        self.start.extend(&piece[..count.min(XZ_START - self.start.len())]);
        Ok(count)
    }
}

fn read_payload(
    input: &mut dyn Read,
    signatures: &Parsed,
    header: &Parsed,
    entries: &mut [EntryView],
    visitor: &mut Visitor,
) -> Result<(Compression, Vec<u8>), ReadError> {
    let named = compression(header)?;
    let md5 = Md5::new_with_prefix(header.raw());
    let mut payload = Payload { input, sha256: Sha256::new(), md5, start: Vec::new(), lost: None };
    let result = read_archive(&mut payload, named, header, entries, visitor);
    if let Some(error) = payload.lost.take() {
        return Err(ReadError::Input(error));
    }
    let by = result?;
    io::copy(&mut payload, &mut io::sink()).map_err(ReadError::Input)?;
    let sha256 = hex(&payload.sha256.finalize());
    let other = header.number(tag::PAYLOAD_DIGEST_ALGORITHM) == Some(tag::SHA256.into())
        && header.text(tag::PAYLOAD_DIGEST).is_some_and(|said| said != sha256);
    let md5 = payload.md5.finalize();
    if other || signatures.bytes(tag::SIG_MD5).is_some_and(|said| said != md5.as_slice()) {
        return Err(damaged(PAYLOAD, "it has another digest than the package says"));
    }
    Ok((by, payload.start))
}

fn compression(header: &Parsed) -> Result<Compression, ReadError> {
    let format = header.text(tag::PAYLOAD_FORMAT).unwrap_or_else(|| "cpio".to_owned());
    if format != "cpio" {
        return Err(damaged(PAYLOAD, &format!("its format is `{}`, not cpio", format.escape_debug())));
    }
    let name = header.text(tag::PAYLOAD_COMPRESSOR).unwrap_or_else(|| "gzip".to_owned());
    Ok(match name.as_str() {
        "gzip" => Compression::Gzip,
        "bzip2" => Compression::Bzip2,
        "lzma" => Compression::Lzma,
        "xz" => Compression::Xz,
        "zstd" => Compression::Zstd,
        "none" | "identity" => Compression::None,
        _ => return Err(damaged(PAYLOAD, &format!("it is compressed with `{}`", name.escape_debug()))),
    })
}

fn read_archive(
    payload: &mut Payload<'_>,
    by: Compression,
    header: &Parsed,
    entries: &mut [EntryView],
    visitor: &mut Visitor,
) -> Result<Compression, ReadError> {
    let mut start = Vec::new();
    (&mut *payload).take(2).read_to_end(&mut start).map_err(compressed)?;
    // What is not compressed has no compressor, nor has what was always compressed with gzip.
    let by = if by == Compression::Gzip && start != [0x1f, 0x8b] { Compression::None } else { by };
    let mut payload = start.chain(payload);
    let plain = unpack(by, &mut payload).map_err(compressed)?;
    let mut plain = plain.ok_or_else(|| damaged(PAYLOAD, "it is compressed with bzip2 or lzma, which are not read"))?;
    let digests: Vec<_> = header.texts(tag::FILE_DIGESTS).collect();
    let by_path = entries.iter().enumerate().map(|(index, entry)| (entry.path.clone(), index)).collect();
    let algorithm = header.number(tag::FILE_DIGEST_ALGORITHM).unwrap_or(1);
    let mut files = Files { entries, digests, algorithm, by_path, linked: BTreeMap::new(), visitor };
    while files.next(&mut *plain)? {}
    let more = io::copy(&mut (&mut plain).take(MOST_FILL + 1), &mut io::sink()).map_err(compressed)?;
    if more > MOST_FILL { Err(damaged(PAYLOAD, "much follows its last file")) } else { files.finish().map(|()| by) }
}

fn compressed(source: io::Error) -> ReadError {
    ReadError::Compressed { part: PAYLOAD.to_owned(), source }
}

/// The files of the header, while those of the payload pass.
struct Files<'a, 'b> {
    entries: &'a mut [EntryView],
    digests: Vec<String>,
    algorithm: u64,
    /// Those that did not pass yet.
    by_path: BTreeMap<String, usize>,
    /// Further names of a file that is still to come, by its inode.
    linked: BTreeMap<u64, Vec<usize>>,
    visitor: &'a mut Visitor<'b>,
}

impl Files<'_, '_> {
    /// Reads one; false at the end.
    fn next(&mut self, plain: &mut dyn Read) -> Result<bool, ReadError> {
        let (index, size, inode) = match member(plain).map_err(read_fault)? {
            Found::Trailer => return Ok(false),
            Found::Named { name, inode, links, size } => {
                let name = String::from_utf8_lossy(&name);
                let path = name.strip_prefix('.').filter(|path| path.starts_with('/'));
                let path = path.map_or_else(|| format!("/{}", name.trim_start_matches('/')), str::to_owned);
                let found = self.by_path.remove(&path);
                let fault = || damaged(PAYLOAD, &format!("`{}` is not in the header", path.escape_debug()));
                (found.ok_or_else(fault)?, size, (links > 1).then_some(inode))
            }
            Found::Numbered(index) => {
                let index = usize::try_from(index).ok().filter(|index| *index < self.entries.len());
                let index = index.ok_or_else(|| damaged(PAYLOAD, "a file is not in the header"))?;
                let entry = &self.entries[index];
                self.by_path.remove(&entry.path);
                let size = match &entry.kind {
                    KindView::File { size, .. } => *size,
                    KindView::Link { target } => target.len() as u64,
                    KindView::Folder | KindView::HardLink { .. } | KindView::Special => 0,
                };
                (index, size, None)
            }
        };
        let KindView::File { size: said, .. } = self.entries[index].kind else {
            let size = size.checked_next_multiple_of(4).ok_or_else(|| damaged(PAYLOAD, "it ends early"))?;
            skip(plain, size)?;
            return Ok(true);
        };
        if let Some(inode) = inode.filter(|_| size == 0 && said > 0) {
            self.linked.entry(inode).or_default().push(index);
            return Ok(true);
        }
        if size != said {
            let path = self.entries[index].path.escape_debug();
            return Err(damaged(PAYLOAD, &format!("`{path}` has another length than the header says")));
        }
        self.file(plain, index, size)?;
        for other in inode.and_then(|inode| self.linked.remove(&inode)).unwrap_or_default() {
            self.entries[other].kind = KindView::HardLink { target: self.entries[index].path.clone() };
        }
        Ok(true)
    }

    fn file(&mut self, plain: &mut dyn Read, index: usize, size: u64) -> Result<(), ReadError> {
        let path = self.entries[index].path.clone();
        let inner: &mut dyn Read = &mut *plain;
        let mut content = Content { plain: inner.take(size), sha256: Sha256::new(), md5: Md5::new(), lost: None };
        let looked = (self.visitor)(&path, size, &mut content);
        if let Some(error) = content.lost.take() {
            return Err(compressed(error));
        }
        looked.map_err(|source| ReadError::Visitor { path: path.clone(), source })?;
        io::copy(&mut content, &mut io::sink()).map_err(compressed)?;
        if content.plain.limit() > 0 {
            return Err(damaged(PAYLOAD, "it ends early"));
        }
        let sha256: [u8; 32] = content.sha256.finalize().into();
        let found = match self.algorithm {
            1 => hex(&content.md5.finalize()),
            8 => hex(&sha256),
            _ => String::new(),
        };
        let said = self.digests.get(index).map_or("", String::as_str);
        if !found.is_empty() && !said.is_empty() && said != found {
            let path = path.escape_debug();
            return Err(damaged(PAYLOAD, &format!("`{path}` has another digest than the header says")));
        }
        self.entries[index].kind = KindView::File { size, sha256: Some(sha256) };
        skip(plain, size.wrapping_neg() % 4)
    }

    /// All came, but for ghosts.
    fn finish(self) -> Result<(), ReadError> {
        let missing = self.by_path.iter().find(|(_, index)| self.entries[**index].role != RoleView::Ghost);
        match missing.map(|(path, _)| path.as_str()).or(self.linked.values().flatten().next().map(|_| "a link")) {
            Some(path) => Err(damaged(PAYLOAD, &format!("`{}` is not in it", path.escape_debug()))),
            None => Ok(()),
        }
    }
}

fn read_fault(fault: Fault) -> ReadError {
    match fault {
        Fault::Read(error) => compressed(error),
        Fault::Damaged(fault) => damaged(PAYLOAD, fault),
    }
}

fn skip(plain: &mut dyn Read, size: u64) -> Result<(), ReadError> {
    let found = io::copy(&mut plain.take(size), &mut io::sink()).map_err(compressed)?;
    if found == size { Ok(()) } else { Err(damaged(PAYLOAD, "it ends early")) }
}

/// A file's bytes, hashed as someone reads them.
struct Content<'a> {
    plain: io::Take<&'a mut dyn Read>,
    sha256: Sha256,
    md5: Md5,
    lost: Option<io::Error>,
}

impl Read for Content<'_> {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        match self.plain.read(piece) {
            Ok(count) => {
                self.sha256.update(&piece[..count]);
                self.md5.update(&piece[..count]);
                Ok(count)
            }
            Err(error) => {
                let kind = error.kind();
                self.lost = Some(error);
                Err(kind.into())
            }
        }
    }
}
