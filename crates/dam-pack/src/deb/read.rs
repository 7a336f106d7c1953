//! Reading a `.deb`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use sha2::{Digest, Sha256};

use crate::deb::tar_read::{Peculiarities, TarEntry, TarKind, compressed, each_entry};
use crate::deb::{ar, fields};
use crate::unpack::{XZ_START, unpack, xz_shape};
use crate::{
    Compression, Construct, EntryView, Format, KindView, PackageView, ReadError, RelationKind, RoleView, ScriptView,
    Visitor,
};

/// Reads a `.deb` of any maker from its beginning to its end, once: <https://manpages.debian.org/bookworm/dpkg-dev/deb.5.en.html>.
///
/// Every file is shown to `visitor` as it passes. The format of before 1995 is not read, nor bzip2 and lzma.
pub fn read(input: &mut dyn Read, visitor: &mut Visitor) -> Result<PackageView, ReadError> {
    let mut magic = [0; ar::MAGIC.len()];
    input.read_exact(&mut magic).map_err(lost)?;
    if magic != *ar::MAGIC {
        return Err(damaged("ar", "it is no .deb"));
    }
    let mut archive = Archive { input, constructs: Vec::new(), padded: false };
    let mut binary = archive.expect("debian-binary")?;
    let version = binary.small()?;
    if !version.starts_with(b"2.") {
        let version = String::from_utf8_lossy(&version);
        return Err(damaged("debian-binary", &format!("its format is `{}`, not 2", version.trim().escape_debug())));
    }
    let mut control = Control::default();
    archive.expect("control.tar")?.archive(&mut |entry, content| control.take(entry, content))?;
    let mut view = control.view()?;
    let mut entries = Vec::new();
    archive.expect("data.tar")?.archive(&mut |entry, content| {
        entries.extend(installed(entry, content, &control.settings, visitor)?);
        Ok(())
    })?;
    archive.rest()?;
    entries.sort_by(|one: &EntryView, other| one.path.cmp(&other.path));
    view.entries = entries;
    view.constructs = archive.constructs;
    Ok(view)
}

/// The outer archive.
struct Archive<'a> {
    input: &'a mut dyn Read,
    constructs: Vec<Construct>,
    /// The member before has an odd length, and a byte behind it.
    padded: bool,
}

impl Archive<'_> {
    /// Goes to the next member, which has this name and an ending that says how it is compressed; members in front
    /// whose names begin with `_` are skipped, as dpkg does.
    fn expect(&mut self, part: &'static str) -> Result<Member<'_>, ReadError> {
        loop {
            let Some((name, size)) = self.header()? else { return Err(damaged("ar", &format!("it has no `{part}`"))) };
            if name.starts_with('_') {
                self.foreign(name, size)?;
                continue;
            }
            let compression = name.strip_prefix(part).and_then(ending);
            let Some(by) = compression.filter(|by| part != "debian-binary" || *by == Compression::None) else {
                return Err(damaged("ar", &format!("`{}` stands where `{part}` should", name.escape_debug())));
            };
            self.padded = size % 2 == 1;
            let Self { input, constructs, .. } = self;
            return Ok(Member { part, by, input: &mut **input, left: size, lost: None, short: false, constructs });
        }
    }

    /// Reads the members behind those that belong there.
    fn rest(&mut self) -> Result<(), ReadError> {
        while let Some((name, size)) = self.header()? {
            self.foreign(name, size)?;
        }
        Ok(())
    }

    fn header(&mut self) -> Result<Option<(String, u64)>, ReadError> {
        // Some leave out the byte at the very end of a file.
        if self.padded && !self.fill(&mut [0])? {
            return Ok(None);
        }
        self.padded = false;
        let mut header = [0; ar::HEADER];
        if !self.fill(&mut header)? {
            return Ok(None);
        }
        ar::parse(&header).map(Some).ok_or_else(|| damaged("ar", "a member has a bad header"))
    }

    /// Fills a piece, or returns false if there is nothing more.
    fn fill(&mut self, piece: &mut [u8]) -> Result<bool, ReadError> {
        let length = (&mut *self.input).take(piece.len() as u64).read(piece).map_err(ReadError::Input)?;
        if length == 0 {
            return Ok(false);
        }
        self.input.read_exact(&mut piece[length..]).map_err(lost)?;
        Ok(true)
    }

    fn foreign(&mut self, name: String, size: u64) -> Result<(), ReadError> {
        if self.constructs.len() > MOST_MEMBERS {
            return Err(ReadError::TooMuch { part: "ar".to_owned(), what: "members", limit: MOST_MEMBERS as u64 });
        }
        let skipped = io::copy(&mut (&mut *self.input).take(size), &mut io::sink()).map_err(ReadError::Input)?;
        if skipped < size {
            return Err(damaged("ar", "it ends early"));
        }
        self.padded = size % 2 == 1;
        self.constructs.push(Construct::ForeignMember { name });
        Ok(())
    }
}

const MOST_MEMBERS: usize = 100;

fn ending(name: &str) -> Option<Compression> {
    Some(match name {
        "" => Compression::None,
        ".gz" => Compression::Gzip,
        ".bz2" => Compression::Bzip2,
        ".lzma" => Compression::Lzma,
        ".xz" => Compression::Xz,
        ".zst" => Compression::Zstd,
        _ => return None,
    })
}

/// The bytes of a member.
struct Member<'a> {
    part: &'static str,
    by: Compression,
    input: &'a mut dyn Read,
    left: u64,
    /// What the system said when it failed to read. Decoders would say it in their own words.
    lost: Option<io::Error>,
    /// The file ended before the member did.
    short: bool,
    constructs: &'a mut Vec<Construct>,
}

impl Read for Member<'_> {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        let want = usize::try_from(self.left).unwrap_or(usize::MAX).min(piece.len());
        let length = match self.input.read(&mut piece[..want]) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                let kind = error.kind();
                self.lost = Some(error);
                return Err(kind.into());
            }
            result => result?,
        };
        self.short |= length == 0 && want > 0;
        self.left -= length as u64;
        Ok(length)
    }
}

impl Member<'_> {
    /// Reads a member that is a few bytes.
    fn small(&mut self) -> Result<Vec<u8>, ReadError> {
        if self.left > 1024 {
            return Err(ReadError::TooMuch { part: self.part.to_owned(), what: "bytes", limit: 1024 });
        }
        let mut bytes = Vec::new();
        let result = self.read_to_end(&mut bytes);
        self.outcome(result.map(drop).map_err(|error| compressed(self.part, error)))?;
        Ok(bytes)
    }

    /// Reads a member that is an archive, to its end.
    fn archive(
        mut self,
        each: &mut dyn FnMut(&TarEntry, &mut dyn Read) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let (part, by) = (self.part, self.by);
        self.constructs.push(Construct::Compressed { part: part.to_owned(), by });
        let mut start = Vec::new();
        let begun = (&mut self).take(XZ_START as u64).read_to_end(&mut start);
        self.outcome(begun.map(drop).map_err(|error| compressed(part, error)))?;
        if let Some(shape) = xz_shape(&start).filter(|_| by == Compression::Xz) {
            self.constructs.push(Construct::XzMemory { part: part.to_owned(), dictionary: shape.dictionary });
            let filter = |id| Construct::XzFilter { part: part.to_owned(), id };
            self.constructs.extend(shape.filters.into_iter().map(filter));
        }
        let seen = self.unpacked(&start, each);
        let seen = self.outcome(seen)?;
        if seen.pax {
            self.constructs.push(Construct::PaxHeader { part: part.to_owned() });
        }
        if seen.long_names {
            self.constructs.push(Construct::GnuLongName { part: part.to_owned() });
        }
        if seen.large_numbers {
            self.constructs.push(Construct::GnuLargeNumber { part: part.to_owned() });
        }
        let rest = io::copy(&mut self, &mut io::sink());
        self.outcome(rest.map(drop).map_err(|error| compressed(part, error)))
    }

    fn unpacked(
        &mut self,
        start: &[u8],
        each: &mut dyn FnMut(&TarEntry, &mut dyn Read) -> Result<(), ReadError>,
    ) -> Result<Peculiarities, ReadError> {
        let (part, by) = (self.part, self.by);
        let mut whole = start.chain(self);
        let decoder = unpack(by, &mut whole).map_err(|error| compressed(part, error))?;
        let Some(mut decoder) = decoder else {
            return Err(damaged(part, "it is compressed in a way that went out of use"));
        };
        let seen = each_entry(part, &mut decoder, each)?;
        // The decoder looks at its checksum when it comes to the end.
        let rest = io::copy(&mut decoder.take(MOST_REST), &mut io::sink()).map_err(|error| compressed(part, error))?;
        if rest == MOST_REST {
            return Err(ReadError::TooMuch {
                part: part.to_owned(),
                what: "bytes behind the archive",
                limit: MOST_REST,
            });
        }
        Ok(seen)
    }

    /// Puts what happened to the file before what a decoder made of it.
    fn outcome<T>(&mut self, result: Result<T, ReadError>) -> Result<T, ReadError> {
        match self.lost.take() {
            Some(error) => Err(ReadError::Input(error)),
            None if self.short => Err(damaged("ar", "it ends early")),
            None => result,
        }
    }
}

/// Empty blocks behind an archive; GNU tar fills up to 10 KiB.
const MOST_REST: u64 = 16 << 20;

/// What the control archive says.
#[derive(Default)]
struct Control {
    files: BTreeMap<String, String>,
    settings: BTreeSet<String>,
    size: u64,
}

/// Bytes of all control files. The largest of Debian's have a few MiB, of `md5sums`.
const MOST_CONTROL: u64 = 64 << 20;

impl Control {
    fn take(&mut self, entry: &TarEntry, content: &mut dyn Read) -> Result<(), ReadError> {
        self.size = self.size.saturating_add(entry.size);
        if self.size > MOST_CONTROL {
            return Err(ReadError::TooMuch { part: CONTROL.to_owned(), what: "bytes", limit: MOST_CONTROL });
        }
        let name = path(&entry.name);
        let name = name.trim_start_matches('/');
        // Of sums and lists of symbols there is nothing to tell.
        if entry.kind == TarKind::File
            && (SCRIPTS.contains(&name) || matches!(name, "control" | "conffiles" | "triggers"))
        {
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes).map_err(|error| compressed(CONTROL, error))?;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if name == "conffiles" {
                // A flag may stand before the path.
                let path = |line: &str| line.find('/').map(|at| line[at..].trim_end().to_owned());
                self.settings.extend(text.lines().filter_map(path));
            }
            self.files.insert(name.to_owned(), text);
        }
        Ok(())
    }

    fn view(&mut self) -> Result<PackageView, ReadError> {
        let text = self.files.remove("control").ok_or_else(|| damaged(CONTROL, "it has no `control`"))?;
        let fields = fields::parse(&text).map_err(|fault| damaged("control", &fault))?;
        let mut view = PackageView {
            format: Format::Deb,
            name: String::new(),
            version: String::new(),
            architecture: String::new(),
            summary: String::new(),
            description: String::new(),
            fields: Vec::new(),
            relations: BTreeMap::new(),
            entries: Vec::new(),
            scripts: Vec::new(),
            changelog: Vec::new(),
            constructs: Vec::new(),
        };
        fields.into_iter().for_each(|(name, value)| put(&mut view, name, value));
        if let Some((name, _)) =
            [("Package", &view.name), ("Version", &view.version)].iter().find(|(_, value)| value.is_empty())
        {
            return Err(damaged("control", &format!("it has no `{name}`")));
        }
        view.fields.extend(self.files.remove("triggers").map(|text| ("triggers".to_owned(), text)));
        let scripts = SCRIPTS.iter().filter_map(|place| Some((*place, self.files.remove(*place)?)));
        view.scripts = scripts.map(|(place, text)| script(place, text)).collect();
        Ok(view)
    }
}

const CONTROL: &str = "control.tar";

const SCRIPTS: [&str; 5] = ["config", "preinst", "postinst", "prerm", "postrm"];

fn script(place: &str, text: String) -> ScriptView {
    let first = text.lines().next().and_then(|line| line.strip_prefix("#!"));
    ScriptView { place: place.to_owned(), interpreter: first.unwrap_or_default().trim().to_owned(), text }
}

/// Puts a field where it belongs.
fn put(view: &mut PackageView, name: String, value: String) {
    if let Some(kind) = relation_kind(&name) {
        let one = |relation: &str| relation.split_whitespace().collect::<Vec<_>>().join(" ");
        let relations = value.split(',').map(one).filter(|relation| !relation.is_empty());
        view.relations.insert(kind, relations.collect());
        return;
    }
    match name.to_ascii_lowercase().as_str() {
        "package" => view.name = value,
        "version" => view.version = value,
        "architecture" => view.architecture = value,
        "description" => {
            let (summary, lines) = value.split_once('\n').unwrap_or((&value, ""));
            view.summary = summary.to_owned();
            view.description = fields::unfold(lines);
        }
        _ => view.fields.push((name, value)),
    }
}

fn relation_kind(name: &str) -> Option<RelationKind> {
    Some(match name.to_ascii_lowercase().as_str() {
        "pre-depends" => RelationKind::PreDepends,
        "depends" => RelationKind::Depends,
        "recommends" => RelationKind::Recommends,
        "suggests" => RelationKind::Suggests,
        "enhances" => RelationKind::Enhances,
        "conflicts" => RelationKind::Conflicts,
        "breaks" => RelationKind::Breaks,
        "provides" => RelationKind::Provides,
        "replaces" => RelationKind::Replaces,
        _ => return None,
    })
}

/// Views an entry of the data archive; none for the root itself.
fn installed(
    entry: &TarEntry,
    content: &mut dyn Read,
    settings: &BTreeSet<String>,
    visitor: &mut Visitor,
) -> Result<Option<EntryView>, ReadError> {
    let path = path(&entry.name);
    if path == "/" {
        return Ok(None);
    }
    let kind = match &entry.kind {
        TarKind::File => {
            KindView::File { size: entry.size, sha256: Some(visited(&path, entry.size, content, visitor)?) }
        }
        TarKind::Folder => KindView::Folder,
        TarKind::Link(target) => KindView::Link { target: target.clone() },
        TarKind::HardLink(target) => KindView::HardLink { target: self::path(target) },
        TarKind::Special => KindView::Special,
    };
    let role = if settings.contains(&path) { RoleView::Config } else { RoleView::Plain };
    let (owner, group) = (entry.owner.clone(), entry.group.clone());
    Ok(Some(EntryView { path, kind, mode: entry.mode, owner, group, time: entry.time, role }))
}

/// Shows a file to its visitor and returns its digest.
fn visited(path: &str, size: u64, content: &mut dyn Read, visitor: &mut Visitor) -> Result<[u8; 32], ReadError> {
    let mut hashed = Hashed { content, digest: Sha256::new(), lost: None };
    let seen = visitor(path, size, &mut hashed);
    let rest = io::copy(&mut hashed, &mut io::sink());
    if let Some(error) = hashed.lost {
        return Err(compressed("data.tar", error));
    }
    rest.map_err(|error| compressed("data.tar", error))?;
    seen.map_err(|source| ReadError::Visitor { path: path.to_owned(), source })?;
    Ok(hashed.digest.finalize().into())
}

struct Hashed<'a> {
    content: &'a mut dyn Read,
    digest: Sha256,
    lost: Option<io::Error>,
}

impl Read for Hashed<'_> {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        // A decoder that failed is not asked again.
        if let Some(error) = &self.lost {
            return Err(error.kind().into());
        }
        match self.content.read(piece) {
            Ok(length) => {
                self.digest.update(&piece[..length]);
                Ok(length)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                self.lost = Some(error);
                Err(kind.into())
            }
        }
    }
}

/// Returns a name of an archive as an absolute path, without a slash at its end.
fn path(name: &str) -> String {
    let name = name.strip_prefix('.').filter(|rest| rest.is_empty() || rest.starts_with('/')).unwrap_or(name);
    format!("/{}", name.trim_matches('/'))
}

fn damaged(part: &str, fault: &str) -> ReadError {
    ReadError::Damaged { part: part.to_owned(), fault: fault.to_owned() }
}

fn lost(error: io::Error) -> ReadError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => damaged("ar", "it ends early"),
        _ => ReadError::Input(error),
    }
}
