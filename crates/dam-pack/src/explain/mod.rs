//! A package told in one shape for both formats, for people and for `--json`.
//!
//! The names of fields and values are what programs read, and stay.

mod difference;
mod display;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{Compression, Construct, EntryView, Format, KindView, PackageView, RelationKind, RoleView};

pub use difference::{Aspect, Changed, Difference, FileChange, RelationChange, ScriptChange, difference};

/// A package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// What it is.
    pub identity: Identity,
    /// What it says of itself beside that, in the package's order and names: `Section`, `License`.
    pub fields: Vec<Field>,
    /// What it needs and excludes, each as the format writes it.
    pub relations: BTreeMap<RelationKind, Vec<String>>,
    /// What is installed, by path.
    pub files: Vec<File>,
    /// Bytes of all files.
    pub size: u64,
    /// What runs when it comes and goes.
    pub scripts: Vec<Script>,
    /// The units of systemd in it, by path.
    pub units: Vec<Unit>,
    /// What changed, newest first; empty for a `.deb`.
    pub changelog: Vec<String>,
    /// Its signatures.
    pub signatures: Vec<Signature>,
    /// Digests by which it can be checked; none in a `.deb`, which has them in a repository's list.
    pub digests: Vec<Digest>,
    /// How its parts are compressed.
    pub compression: Vec<Part>,
}

/// What a package is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// Its format.
    pub format: Format,
    /// Its name.
    pub name: String,
    /// Its whole version: `[epoch:]version[-release]`.
    pub version: String,
    /// Its processor, in the format's own word.
    pub architecture: String,
    /// One line that says what it is.
    pub summary: String,
    /// What it is, in paragraphs.
    pub description: String,
}

/// Something a package says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field {
    /// The format's own name for it.
    pub name: String,
    /// What it says.
    pub value: String,
}

/// Something that is installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct File {
    /// The absolute path.
    pub path: String,
    /// What it is.
    #[serde(flatten)]
    pub kind: Kind,
    /// Permission bits.
    #[serde(serialize_with = "display::octal")]
    pub mode: u16,
    /// The user it belongs to.
    pub owner: String,
    /// The group it belongs to.
    pub group: String,
    /// What it is to the package tools.
    pub role: RoleView,
}

/// What is installed at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Kind {
    /// A file.
    File {
        /// Bytes.
        size: u64,
        /// SHA-256 of its bytes; none if it is not in the package.
        #[serde(serialize_with = "display::hex")]
        sha256: Option<[u8; 32]>,
    },
    /// A folder.
    Folder,
    /// A symbolic link.
    Link {
        /// What it points to.
        target: String,
    },
    /// One more name of a file in the package.
    HardLink {
        /// The path of the file.
        target: String,
    },
    /// A device, a pipe or a socket.
    Special,
}

/// Something that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Script {
    /// Where, in the format's own word: `postinst`.
    pub place: String,
    /// What runs it; empty for a binary.
    pub interpreter: String,
    /// The script.
    pub text: String,
}

/// A unit of systemd, or an addition to one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unit {
    /// Its name: `docker.service`, `docker.service.d/site.conf`.
    pub name: String,
    /// Its path.
    pub path: String,
    /// Its text; none if it was not gathered, as of a link.
    pub text: Option<String>,
}

/// A signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signature {
    /// Where it stands: an `.rpm`'s tag, or the member of a `.deb`.
    pub place: String,
    /// Its algorithms by OpenPGP's names: `RSA/SHA256`; none where it was not looked at.
    pub by: Option<String>,
}

/// A digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Digest {
    /// Of what.
    pub of: String,
    /// The algorithm.
    pub by: String,
}

/// A compressed part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Its name: `data.tar`, `payload`.
    pub part: String,
    /// How it is compressed.
    pub by: Compression,
    /// Bytes of dictionary, of xz.
    pub dictionary: Option<u64>,
    /// Numbers of xz's filters before LZMA2: <https://tukaani.org/xz/xz-file-format.txt> §5.3.
    pub filters: Vec<u64>,
}

/// Explains a package. `units` are the texts of its unit files by path, see [`UnitFiles`](crate::check::UnitFiles).
pub fn explain(view: &PackageView, units: &BTreeMap<String, String>) -> Explanation {
    let field = |(name, value): &(String, String)| Field { name: name.clone(), value: value.clone() };
    let script = |script: &crate::ScriptView| Script {
        place: script.place.clone(),
        interpreter: script.interpreter.clone(),
        text: script.text.clone(),
    };
    let files: Vec<File> = view.entries.iter().map(File::from).collect();
    let size = |file: &File| match file.kind {
        Kind::File { size, .. } => size,
        _ => 0,
    };
    Explanation {
        identity: Identity::from(view),
        fields: view.fields.iter().map(field).collect(),
        relations: view.relations.clone(),
        size: files.iter().map(size).fold(0, u64::saturating_add),
        files,
        scripts: view.scripts.iter().map(script).collect(),
        units: view.entries.iter().filter_map(|entry| unit(entry, units)).collect(),
        changelog: view.changelog.clone(),
        signatures: view.constructs.iter().filter_map(signature).collect(),
        digests: view.constructs.iter().filter_map(digest).collect(),
        compression: parts(&view.constructs),
    }
}

impl From<&PackageView> for Identity {
    fn from(view: &PackageView) -> Self {
        Self {
            format: view.format,
            name: view.name.clone(),
            version: view.version.clone(),
            architecture: view.architecture.clone(),
            summary: view.summary.clone(),
            description: view.description.clone(),
        }
    }
}

impl From<&EntryView> for File {
    fn from(entry: &EntryView) -> Self {
        let kind = match &entry.kind {
            KindView::File { size, sha256 } => Kind::File { size: *size, sha256: *sha256 },
            KindView::Folder => Kind::Folder,
            KindView::Link { target } => Kind::Link { target: target.clone() },
            KindView::HardLink { target } => Kind::HardLink { target: target.clone() },
            KindView::Special => Kind::Special,
        };
        let (path, owner, group) = (entry.path.clone(), entry.owner.clone(), entry.group.clone());
        Self { path, kind, mode: entry.mode, owner, group, role: entry.role }
    }
}

fn unit(entry: &EntryView, units: &BTreeMap<String, String>) -> Option<Unit> {
    let name = crate::check::unit_name(&entry.path).filter(|_| entry.kind != KindView::Folder)?;
    Some(Unit { name: name.to_owned(), path: entry.path.clone(), text: units.get(&entry.path).cloned() })
}

/// Members of a `.deb` by which `debsigs` and `dpkg-sig` sign: <https://manpages.debian.org/bookworm/debsigs/debsigs.1p.en.html>.
fn signature(construct: &Construct) -> Option<Signature> {
    match construct {
        Construct::Signature { tag, by } => Some(Signature { place: tag.to_string(), by: Some(by.clone()) }),
        Construct::ForeignMember { name } if name.starts_with("_gpg") => {
            Some(Signature { place: name.clone(), by: None })
        }
        _ => None,
    }
}

fn digest(construct: &Construct) -> Option<Digest> {
    match construct {
        Construct::Digest { of, by } => Some(Digest { of: (*of).to_owned(), by: (*by).to_owned() }),
        _ => None,
    }
}

fn parts(constructs: &[Construct]) -> Vec<Part> {
    let compressed = constructs.iter().filter_map(|construct| match construct {
        Construct::Compressed { part, by } => Some((part, *by)),
        _ => None,
    });
    let part = |(part, by): (&String, Compression)| {
        let dictionary = constructs.iter().find_map(|construct| match construct {
            Construct::XzMemory { part: own, dictionary } if own == part => Some(*dictionary),
            _ => None,
        });
        let filters = constructs.iter().filter_map(|construct| match construct {
            Construct::XzFilter { part: own, id } if own == part => Some(*id),
            _ => None,
        });
        Part { part: part.clone(), by, dictionary, filters: filters.collect() }
    };
    compressed.map(part).collect()
}
