//! A `.deb` or an `.rpm` that is to be looked at.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use dam_pack::check::UnitFiles;
use dam_pack::{EntryView, Format, KindView, PackageView, ReadError, deb, rpm};

use crate::event::{Event, Reporter, Watched};
use crate::{Error, Result};

/// A package file that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// What it holds.
    pub view: PackageView,
    /// The texts of its units.
    pub units: UnitFiles,
}

/// Why a file cannot be looked at as a package.
#[derive(Debug, thiserror::Error)]
pub enum PackageFault {
    /// It begins like neither format.
    #[error("`{path}` is neither a .deb nor an .rpm")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It begins like a package, and is damaged or not like any that is known.
    #[error("the package `{path}` cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// In which part, and why.
        source: ReadError,
    },
}

impl PackageFile {
    /// Reads all of a package. Its first bytes say which format it has, not its name.
    ///
    /// # Errors
    /// [`PackageFault`], and [`Error::Access`].
    pub fn read(path: &Path, reporter: &dyn Reporter) -> Result<Self> {
        let file = File::open(path).map_err(Error::access(path))?;
        let facts = file.metadata().map_err(Error::access(path))?;
        // Opening a folder is no error, and reading it says less than this.
        if facts.is_dir() {
            return Err(PackageFault::Foreign { path: path.to_owned() }.into());
        }
        let bytes = facts.len();
        let what = format!("read {}", path.file_name().unwrap_or(path.as_os_str()).display());
        reporter.event(Event::Started { what: &what, total: Some(bytes) });
        let read = view(&mut BufReader::with_capacity(BUFFER, Watched::new(file, reporter)), path);
        reporter.event(Event::Finished);
        let (view, units) = read?;
        Ok(Self { path: path.to_owned(), bytes, view, units })
    }
}

impl PackageFile {
    /// Returns the bytes of all files in it.
    pub fn size(&self) -> u64 {
        let size = |entry: &EntryView| match entry.kind {
            KindView::File { size, .. } => size,
            _ => 0,
        };
        self.view.entries.iter().map(size).fold(0, u64::saturating_add)
    }

    /// Returns the service of the engine in it, if it has one.
    pub fn service(&self) -> Option<String> {
        const SERVICE: &str = "docker.service";
        let is_service = |path: &String| path.rsplit('/').next() == Some(SERVICE);
        self.units.texts().keys().any(is_service).then(|| SERVICE.to_owned())
    }
}

const BUFFER: usize = 128 << 10;

fn view(input: &mut dyn Read, path: &Path) -> Result<(PackageView, UnitFiles)> {
    let mut magic = Vec::with_capacity(MAGIC);
    input.take(MAGIC as u64).read_to_end(&mut magic).map_err(Error::access(path))?;
    let format = format(&magic).ok_or_else(|| PackageFault::Foreign { path: path.to_owned() })?;
    let mut whole = magic.as_slice().chain(input);
    let mut units = UnitFiles::default();
    let view = match format {
        Format::Deb => deb::read(&mut whole, &mut units.visitor()),
        Format::Rpm => rpm::read(&mut whole, &mut units.visitor()),
    };
    match view {
        Ok(view) => Ok((view, units)),
        Err(ReadError::Input(source)) => Err(Error::access(path)(source)),
        Err(source) => Err(PackageFault::Unreadable { path: path.to_owned(), source }.into()),
    }
}

/// Bytes by which both formats are known.
const MAGIC: usize = 8;

/// Knows a format by its beginning: <https://manpages.debian.org/bookworm/dpkg-dev/deb.5.en.html>,
/// <https://rpm-software-management.github.io/rpm/manual/format_lead.html>.
fn format(magic: &[u8]) -> Option<Format> {
    if magic.starts_with(b"!<arch>\n") {
        return Some(Format::Deb);
    }
    magic.starts_with(&[0xed, 0xab, 0xee, 0xdb]).then_some(Format::Rpm)
}
