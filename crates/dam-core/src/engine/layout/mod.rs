//! What a package of Docker Engine installs, and where.
//!
//! Only what people call is in `/usr/bin`: `docker`, `dockerd`, and `dam` where it rides along. The rest is in
//! `/usr/libexec/docker`, where `dockerd` and `docker` look by themselves, where every SELinux policy for containers labels
//! it right, and where it is in nobody's way: a distribution's own containerd, runc and podman stay as they are.

mod bill;
mod papers;
mod programs;
mod service;
mod shell;

use dam_pack::{Content, Entry, EntryKind, Format, Package, PackagePath, PackageVersion, Role};

use super::licenses::{self, licenses};
use super::recipe::Recipe;
use super::{BuildError, Parts};

pub(super) use service::can_validate;
pub use service::lifecycle;

/// Describes the package of a recipe, made of these parts.
///
/// # Errors
/// [`BuildError::NoVersion`]; [`BuildError::Version`]; [`BuildError::Access`] for a small file that cannot be read.
pub fn package(recipe: &Recipe, parts: &Parts, source_date: u32) -> Result<Package, BuildError> {
    let engine = engine_version(recipe, parts)?;
    let version = PackageVersion::new(engine, &recipe.release).map_err(BuildError::Version)?;
    let lifecycle = service::lifecycle(recipe, engine);
    let mut package = Package {
        name: recipe.name.clone(),
        version,
        epoch: recipe.epoch,
        architecture: recipe.architecture,
        maintainer: recipe.maintainer.clone(),
        summary: "Docker Engine for any Linux, offline".to_owned(),
        description: papers::description(parts, engine),
        homepage: Some("https://docs.docker.com/engine/".to_owned()),
        license: licenses::EXPRESSION.to_owned(),
        vendor: None,
        source_date,
        relations: [Format::Deb, Format::Rpm].map(|format| (format, recipe.relations(format))).into(),
        entries: Vec::new(),
        scripts: lifecycle.scripts(),
        effort: dam_pack::Effort::Small,
        changelog: Vec::new(),
    };
    package.changelog = papers::changelog(&package, parts, engine);
    package.entries = programs::entries(recipe, parts);
    let (papers, bill) = (licenses(&package), bill::entry(recipe, parts, &package, engine)?);
    package.entries.extend(papers.into_iter().chain([bill]));
    package.entries.extend(service::entries(recipe, parts, &lifecycle));
    package.entries.extend(shell::entries(parts)?);
    package.entries.extend(papers::entries(&package));
    // RPM leaves folders behind that no package owns.
    let folders = ["/usr/share", "/usr/share/doc", "/usr/share/licenses"];
    package.entries.extend(folders.map(|parent| programs::folder(&format!("{parent}/{}", package.name))));
    package.entries.extend(parts.extras.iter().map(|(file, size)| {
        let content = Content::File { path: file.source.clone(), size: *size };
        Entry {
            path: file.path.clone(),
            kind: EntryKind::File { content, mode: file.mode, role: file.role },
            only: Vec::new(),
        }
    }));
    if let Some(companion) = &parts.dam {
        package.entries.extend(companion.papers.clone());
    }
    Ok(package)
}

/// Returns the engine's version, as packages write it: the recipe's word, or else the archive's.
///
/// # Errors
/// [`BuildError::NoVersion`] where neither tells.
pub fn engine_version<'a>(recipe: &'a Recipe, parts: &'a Parts) -> Result<&'a str, BuildError> {
    let version = recipe.version.as_deref().or_else(|| parts.archive.version());
    version.ok_or_else(|| BuildError::NoVersion { archive: parts.archive.path().to_owned() })
}

/// Returns a path that is written in this program, or made of a package's name.
fn path(text: &str) -> PackagePath {
    text.parse().expect("neither this program nor a package's name has what a path may not have")
}

/// Returns a file with these bytes.
fn text_file(at: &str, bytes: impl Into<Vec<u8>>, role: Role) -> Entry {
    let kind = EntryKind::File { content: Content::Bytes(bytes.into()), mode: 0o644, role };
    Entry { path: path(at), kind, only: Vec::new() }
}

/// Returns the same for one format only.
fn only(format: Format, entry: Entry) -> Entry {
    Entry { only: vec![format], ..entry }
}
