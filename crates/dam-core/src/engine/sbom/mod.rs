//! The bill of materials of a package: what is in it, where that came from, and which Go modules are in each program.
//!
//! SPDX 2.3 as JSON (<https://spdx.github.io/spdx-spec/v2.3/>), and not CycloneDX: trivy, grype and osv-scanner read both,
//! but osv-scanner knows a file by its name alone, and `sbom.spdx.json` is one that it knows; and SPDX 2 is an ISO standard,
//! which buyers ask for. How they read it decides how it is written:
//!
//! - Programs are packages with a digest, not files: SPDX wants a SHA-1 of each file, and scanners look at packages only.
//! - What is inside is said by `CONTAINS`, the one relation that all of them follow.
//! - Each module has a package URL, by which they look vulnerabilities up, and the Go runtime is the module `stdlib`, as Go's
//!   own database has it: <https://pkg.go.dev/vuln/>.
//!
//! A program names its modules itself ([`BuildInfo`]); one that was built without modules names none. The document is a pure
//! function of the facts: ids come from digests, and the time is the package's.

mod identity;
mod purl;
mod spdx;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use dam_oci::Digest;
use dam_pack::{Format, Package, PackagePath};

use self::identity::{of_module, of_program, of_source};
use self::purl::{generic, go_version, golang};
use self::spdx::{Checksum, CreationInfo, Document, ExternalRef, NO_ASSERTION, Relationship, Unit};
use super::elf::{BuildInfo, ElfFault, Module};
use super::licenses::Work;
use super::{BuildError, digest_of};
use crate::ledger::Timestamp;

/// What a document says.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The package: its name, version, processor, licence and time count, and its entries do not.
    pub package: &'a Package,
    /// The engine's version as packages write it: `26.1.5`.
    pub engine: &'a str,
    /// The files it is made of, such as upstream's archive.
    pub sources: &'a [SourceFile],
    /// The programs in it.
    pub programs: &'a [Program],
}

/// A file that a package is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name: `docker-26.1.5.tgz`.
    pub name: String,
    /// Where it was downloaded from, if it was.
    pub url: Option<String>,
    /// Its digest.
    pub digest: Digest,
}

/// A program in a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Where it is installed.
    pub path: PackagePath,
    /// Its digest.
    pub digest: Digest,
    /// How it was built, if it is of Go.
    pub build: Option<BuildInfo>,
    /// The digest of the file it came from: one of [`Facts::sources`], or its own.
    pub source: Digest,
}

impl Program {
    /// Looks at a program before it is packed: `file` is where it is now, `path` where it will be.
    ///
    /// # Errors
    /// [`BuildError::Access`].
    pub fn read(path: PackagePath, file: &Path, source: Digest) -> Result<Self, BuildError> {
        let access = || BuildError::access(file);
        let (digest, _) = digest_of(file).map_err(access())?;
        let build = match BuildInfo::read(File::open(file).map_err(access())?) {
            Ok(build) => build,
            Err(ElfFault::Read(source)) => return Err(access()(source)),
            // Whether it is a program at all is the business of others.
            Err(_) => None,
        };
        Ok(Self { path, digest, build, source })
    }

    fn name(&self) -> &str {
        self.path.as_str().rsplit('/').next().unwrap_or_default()
    }
}

/// Writes the document: JSON, indented, with a line break at its end.
pub fn document(facts: &Facts) -> Vec<u8> {
    let package = facts.package;
    let name = format!("{}-{}", package.name, package.version);
    let mut packages = vec![root(package)];
    let mut relationships = vec![relation(DOCUMENT, "DESCRIBES", ROOT)];
    for source in facts.sources {
        packages.push(source_unit(source));
        relationships.push(relation(ROOT, "GENERATED_FROM", &of_source(source)));
    }
    let mut modules: BTreeMap<Module, Unit> = BTreeMap::new();
    for program in facts.programs {
        let id = of_program(program);
        packages.push(program_unit(program, facts.engine));
        relationships.push(relation(ROOT, "CONTAINS", &id));
        if let Some(source) = facts.sources.iter().find(|source| source.digest == program.source) {
            relationships.push(relation(&id, "GENERATED_FROM", &of_source(source)));
        }
        for module in inside(program) {
            relationships.push(relation(&id, "CONTAINS", &of_module(&module)));
            modules.entry(module).or_insert_with_key(module_unit);
        }
    }
    packages.extend(modules.into_values());
    let created = Timestamp(i64::from(package.source_date)).to_string();
    let creators = vec![concat!("Tool: dam-", env!("CARGO_PKG_VERSION")).to_owned()];
    let mut document = Document::new(name, CreationInfo { created, creators }, packages, relationships);
    document.name_by_content();
    let mut bytes = serde_json::to_vec_pretty(&document).expect("it has text and lists only");
    bytes.push(b'\n');
    bytes
}

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const ROOT: &str = "SPDXRef-Root";

fn relation(from: &str, kind: &'static str, to: &str) -> Relationship {
    Relationship { from: from.to_owned(), kind, to: to.to_owned() }
}

fn root(package: &Package) -> Unit {
    let (name, version) = (package.name.as_str(), package.version.to_string());
    let architecture = package.architecture.name(Format::Deb);
    Unit {
        version: Some(version.clone()),
        supplier: supplier(&package.maintainer),
        license: package.license.clone(),
        purpose: "INSTALL",
        refs: vec![ExternalRef::purl(generic(name, &version, architecture))],
        ..Unit::new(ROOT.to_owned(), name)
    }
}

/// Writes `Name <address>` as SPDX has it.
fn supplier(maintainer: &str) -> Option<String> {
    let (name, address) = maintainer.strip_suffix('>')?.split_once(" <")?;
    Some(format!("Organization: {name} ({address})"))
}

fn source_unit(source: &SourceFile) -> Unit {
    Unit {
        download: source.url.clone().unwrap_or_else(|| NO_ASSERTION.to_owned()),
        file: Some(source.name.clone()),
        checksums: vec![Checksum::sha256(&source.digest)],
        purpose: "SOURCE",
        ..Unit::new(of_source(source), &source.name)
    }
}

fn program_unit(program: &Program, engine: &str) -> Unit {
    let work = Work::of(program.name());
    let main = program.build.as_ref().and_then(|build| build.main.as_ref());
    let told = main.and_then(|main| main.version.clone());
    // Upstream's own programs do not name their version, but are released with the archive.
    let is_engine = work.is_some_and(|work| matches!(work.programs, ["docker"] | ["dockerd", ..]));
    let version = if is_engine { Some(engine.to_owned()) } else { told };
    let module = match work.and_then(|work| work.module) {
        Some(path) if is_engine => Some(Module { path: path.to_owned(), version: Some(go_version(engine)) }),
        _ => main.cloned(),
    };
    let refs = module.as_ref().and_then(golang);
    Unit {
        version,
        file: Some(program.path.relative().to_owned()),
        license: work.map_or(NO_ASSERTION, |work| work.license).to_owned(),
        checksums: vec![Checksum::sha256(&program.digest)],
        purpose: "APPLICATION",
        refs: refs.into_iter().map(ExternalRef::purl).collect(),
        comment: match &program.build {
            Some(build) if build.modules.is_empty() => Some(format!("Built by {}, without modules.", build.go)),
            Some(build) => Some(format!("Built by {}.", build.go)),
            None => None,
        },
        ..Unit::new(of_program(program), program.name())
    }
}

/// Returns the modules in a program, the Go runtime among them.
fn inside(program: &Program) -> Vec<Module> {
    let Some(build) = &program.build else { return Vec::new() };
    let number = build.go.strip_prefix("go").filter(|number| number.starts_with(|first: char| first.is_ascii_digit()));
    let runtime = number.map(|number| Module { path: RUNTIME.to_owned(), version: Some(number.to_owned()) });
    let mut modules: Vec<Module> = build.modules.iter().cloned().chain(runtime).collect();
    modules.sort();
    modules.dedup();
    modules
}

const RUNTIME: &str = "stdlib";

fn module_unit(module: &Module) -> Unit {
    let mut refs: Vec<ExternalRef> = golang(module).map(ExternalRef::purl).into_iter().collect();
    let is_runtime = module.path == RUNTIME;
    if let Some(version) = module.version.as_ref().filter(|_| is_runtime) {
        refs.push(ExternalRef::cpe(format!("cpe:2.3:a:golang:go:{}:*:*:*:*:*:*:*", purl::in_cpe(version))));
    }
    Unit {
        version: module.version.clone(),
        license: if is_runtime { "BSD-3-Clause" } else { NO_ASSERTION }.to_owned(),
        purpose: "LIBRARY",
        refs,
        ..Unit::new(of_module(module), &module.path)
    }
}
