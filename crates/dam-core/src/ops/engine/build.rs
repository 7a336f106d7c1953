//! `dam engine build`: a recipe becomes packages.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use dam_oci::{Digest, Hasher};
use dam_pack::sign::Signer;
use dam_pack::targets::Target;
use dam_pack::{Effort, EntryKind, Format, Package, WriteError, deb, file_name, rpm};
use serde::Serialize;

use super::check::{Checked, check};
use crate::engine::{BuildError, Parts, PartsAround, Recipe, Validation, layout, validate};
use crate::event::{Event, Reporter, Silent};
use crate::host::Cancel;
use crate::{Error, Result};

/// What to make of a recipe.
pub struct Order<'a> {
    /// The formats, at least one.
    pub formats: &'a [Format],
    /// The folder for the packages, which is made.
    pub out: &'a Path,
    /// The date of all that is in them, in seconds since 1970; without it, that of the newest program.
    pub source_date: Option<u32>,
    /// How hard to try to make them small.
    pub effort: Effort,
    /// What signs the `.rpm`; a `.deb` is signed by its repository.
    pub signer: Option<&'a (dyn Signer + Sync)>,
    /// The wish to stop.
    pub cancel: &'a Cancel,
}

/// Packages that were made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Built {
    /// Their name.
    pub name: String,
    /// The engine's version.
    pub engine: String,
    /// Their version.
    pub version: String,
    /// SHA-256 of the archive they are made of.
    pub archive: Digest,
    /// Whether the engine was asked about `daemon.json`.
    pub settings: Validation,
    /// Each of them.
    pub packages: Vec<BuiltPackage>,
}

/// A package that was made, and read back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BuiltPackage {
    /// Its format.
    pub format: Format,
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// Bytes of the files in it.
    pub unpacked: u64,
    /// SHA-256 of the file.
    pub sha256: Digest,
    /// Whether it is signed.
    pub signed: bool,
    /// What was found when it was checked for all targets of its format; only warnings.
    pub check: Checked,
}

/// Makes the packages of a recipe, each in a thread of its own, reads them back and checks them for every target.
///
/// They appear together, by rename, when all are good; nothing stays otherwise.
///
/// # Errors
/// [`BuildError`], those of the recipe's parts, and [`Error::Cancelled`].
pub fn build(recipe: &Recipe, around: PartsAround, order: &Order, reporter: &dyn Reporter) -> Result<Built> {
    let scratch = around.scratch;
    let parts = Parts::gather(recipe, around)?;
    let engine = layout::engine_version(recipe, &parts)?;
    let settings = validate(recipe, engine, &parts.archive, &parts.settings, scratch)?;
    let date = order.source_date.unwrap_or(parts.archive.modified());
    let package = Package { effort: order.effort, ..layout::package(recipe, &parts, date)? };

    let place = Place::new(order.out)?;
    let total = order.formats.iter().map(|format| content_size(&package, *format)).sum();
    let formats: Vec<_> = order.formats.iter().map(|format| format!(".{format}")).collect();
    let what = format!("compress {}", formats.join(" and "));
    reporter.event(Event::Started { what: &what, total: Some(total) });
    let work = Work { package: &package, place: &place, order, reporter, has_failed: AtomicBool::new(false) };
    let packages = work.make_all()?;
    reporter.event(Event::Finished);
    let packages = place.keep(packages)?;
    Ok(Built {
        name: package.name.to_string(),
        engine: engine.to_owned(),
        version: package.version.to_string(),
        archive: parts.archive.digest(),
        settings,
        packages,
    })
}

/// The making of packages, which share all but their formats.
struct Work<'a> {
    package: &'a Package,
    place: &'a Place<'a>,
    order: &'a Order<'a>,
    reporter: &'a dyn Reporter,
    /// Whether one of them failed: then the others need not go on.
    has_failed: AtomicBool,
}

impl Work<'_> {
    /// Makes each in a thread. Of several that fail, the first by format is told; that others stopped for it is no news.
    fn make_all(&self) -> Result<Vec<BuiltPackage>> {
        let made: Vec<Result<BuiltPackage>> = thread::scope(|scope| {
            let make = |format: &Format| {
                let format = *format;
                scope.spawn(move || self.make(format).inspect_err(|_| self.has_failed.store(true, Ordering::Relaxed)))
            };
            let threads: Vec<_> = self.order.formats.iter().map(make).collect();
            threads.into_iter().map(|thread| thread.join().expect("a package's thread does not panic")).collect()
        });
        let (packages, mut faults): (Vec<_>, Vec<_>) = made.into_iter().partition(Result::is_ok);
        faults.sort_by_key(|fault| matches!(fault, Err(Error::Cancelled)));
        faults.into_iter().next().into_iter().chain(packages).collect()
    }

    /// Makes one package in the folder for what is not done.
    fn make(&self, format: Format) -> Result<BuiltPackage> {
        let Self { package, place, order, .. } = *self;
        let name = file_name(format, &package.name, &package.version, package.architecture);
        let path = place.folder.path().join(&name);
        let last = order.out.join(&name);
        let signer = order.signer.filter(|_| format == Format::Rpm);
        let mut told = 0;
        let mut progress = |done: u64| {
            self.reporter.event(Event::Advanced { bytes: done - told });
            told = done;
            self.flow()
        };
        let written = match format {
            Format::Deb => deb::write(package, &path, &mut progress),
            Format::Rpm => rpm::write(package, &path, signer.map(|signer| signer as &dyn Signer), &mut progress),
        };
        written.map_err(|fault| match fault {
            WriteError::Stopped => Error::Cancelled,
            WriteError::Output { source, .. } => BuildError::Output { path: last.clone(), source }.into(),
            source => BuildError::Write { path: last.clone(), source }.into(),
        })?;
        // Read by the readers, which know nothing of the writers: what they cannot read, nobody gets.
        let targets: Vec<_> = Target::all().filter(|target| target.format() == format).collect();
        let mut check = check(&path, &targets, &Silent)?;
        if !check.is_good() {
            return Err(BuildError::Unfit { format, findings: check.findings }.into());
        }
        check.path.clone_from(&last);
        let (bytes, sha256) = digest(&path)?;
        let unpacked = content_size(package, format);
        Ok(BuiltPackage { format, path: last, bytes, unpacked, sha256, signed: signer.is_some(), check })
    }

    /// Says whether to go on.
    fn flow(&self) -> ControlFlow<()> {
        match self.order.cancel.is_set() || self.has_failed.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

/// Counts the bytes of all files that a format has.
fn content_size(package: &Package, format: Format) -> u64 {
    let ours = package.entries.iter().filter(|entry| entry.only.is_empty() || entry.only.contains(&format));
    ours.map(|entry| match &entry.kind {
        EntryKind::File { content, .. } => content.size(),
        EntryKind::Folder { .. } | EntryKind::Link { .. } => 0,
    })
    .sum()
}

fn digest(path: &Path) -> Result<(u64, Digest)> {
    let mut hasher = Hasher::default();
    let bytes = fs::File::open(path).and_then(|mut file| std::io::copy(&mut file, &mut hasher));
    Ok((bytes.map_err(Error::access(path))?, hasher.finish()))
}

/// The folder for the packages, and one in it for what is not done: a rename does not cross disks.
struct Place<'a> {
    out: &'a Path,
    /// Whether it was made for this; then it goes if nothing comes into it.
    is_new: bool,
    folder: tempfile::TempDir,
}

impl<'a> Place<'a> {
    fn new(out: &'a Path) -> Result<Self> {
        let is_new = !out.exists();
        fs::create_dir_all(out).map_err(Error::access(out))?;
        let folder = tempfile::Builder::new().prefix(".dam-engine-").tempdir_in(out).map_err(Error::access(out))?;
        Ok(Self { out, is_new, folder })
    }

    /// Puts the packages where they belong.
    fn keep(mut self, packages: Vec<BuiltPackage>) -> Result<Vec<BuiltPackage>> {
        for package in &packages {
            let name = package.path.file_name().expect("it was made of one");
            fs::rename(self.folder.path().join(name), &package.path).map_err(Error::access(&package.path))?;
            self.is_new = false;
        }
        Ok(packages)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.folder.path());
        if self.is_new {
            // Only an empty one goes.
            let _ = fs::remove_dir(self.out);
        }
    }
}
