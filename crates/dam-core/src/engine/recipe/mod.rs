//! What a package of Docker Engine is made of: `engine.toml`.
//!
//! Format: <https://toml.io/en/v1.0.0>. A key that is not known is an error, for a misspelt setting that is silently ignored
//! is worse than none. All faults are told at once. [`DEFAULT`] documents every key.

mod daemon;
mod fault;
mod files;
mod input;
mod keys;
mod part;
mod pins;
mod reader;
mod relations;
mod service;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use dam_pack::{Architecture, Format, PackageName, PackageVersion, Relations};
use toml::de::DeTable;

use self::reader::{Reader, line_of};

pub use daemon::{Daemon, DaemonError, Site};
pub use fault::{Reason, RecipeError, RecipeFault};
pub use files::ExtraFile;
pub use input::{Input, ParseUrlError, Source, Url};
pub use keys::KEYS;
pub use part::Part;
pub(crate) use pins::pin;
pub use service::{Restart, Service};

/// A recipe with all defaults, and what each key is for; what `dam engine init` writes.
pub const DEFAULT: &str = include_str!("../../../assets/engine/engine.toml");

/// The longest recipe that is read, in bytes.
const LIMIT: u64 = 1 << 20;

/// What a package is made of. Paths in it are those of the recipe, seen from its folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// The name of the package.
    pub name: PackageName,
    /// The engine's version as packages write it; the archive tells it if none.
    pub version: Option<String>,
    /// What wins over the version when packages are compared; 0 is none.
    pub epoch: u32,
    /// How often this version was packaged.
    pub release: String,
    /// Who answers for the package: `Name <address>`.
    pub maintainer: String,
    /// The processor it is for.
    pub architecture: Architecture,
    /// Whether `dam` itself is in it.
    pub include_dam: bool,
    /// Programs that may want libraries of the system, by their file names.
    pub dynamic: Vec<String>,
    /// The engine. The flags of `dam engine build` may name it as well.
    pub archive: Option<Input>,
    /// The Compose plugin.
    pub compose: Option<Input>,
    /// Whether the plugin can be called as `docker-compose` too.
    pub compose_command: bool,
    /// The Buildx plugin.
    pub buildx: Option<Input>,
    /// Other files.
    pub files: Vec<ExtraFile>,
    /// The engine's settings.
    pub daemon: Daemon,
    /// What happens to the service.
    pub service: Service,
    /// What the package needs and excludes, as the recipe says it. [`Recipe::relations`] adds what follows from the rest.
    pub stated: BTreeMap<Format, Relations>,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            name: "dam-docker".parse().expect("it is a name"),
            version: None,
            epoch: 0,
            release: "1".to_owned(),
            maintainer: "Docker Engine by dam <dam@example.org>".to_owned(),
            architecture: Architecture::X86_64,
            include_dam: false,
            dynamic: Vec::new(),
            archive: None,
            compose: None,
            compose_command: true,
            buildx: None,
            files: Vec::new(),
            daemon: Daemon::default(),
            service: Service::default(),
            stated: relations::defaults(),
        }
    }
}

impl Recipe {
    /// Reads the recipe at `path`.
    ///
    /// # Errors
    /// As [`Recipe::parse`], and [`RecipeError::Access`].
    pub fn read(path: &Path) -> Result<Self, RecipeError> {
        Self::parse(&text_of(path)?, path)
    }

    /// Reads a recipe whose URLs may still be without digests, as `dam engine fetch` completes it.
    ///
    /// # Errors
    /// As [`Recipe::read`].
    pub fn read_unpinned(path: &Path) -> Result<Self, RecipeError> {
        Self::parse_unpinned(&text_of(path)?, path)
    }

    /// Reads the text of a recipe. `path` names it in errors, and paths in it are seen from its folder.
    ///
    /// # Errors
    /// [`RecipeError::Faults`], with every fault there is; only the syntax is told alone.
    pub fn parse(text: &str, path: &Path) -> Result<Self, RecipeError> {
        parse(text, path, Pins::Needed)
    }

    /// Reads the text of a recipe whose URLs may still be without digests.
    ///
    /// # Errors
    /// As [`Recipe::parse`].
    pub fn parse_unpinned(text: &str, path: &Path) -> Result<Self, RecipeError> {
        parse(text, path, Pins::Optional)
    }

    /// Returns what the package needs and excludes: what the recipe says, and packages that have the files of its plugins.
    pub fn relations(&self, format: Format) -> Relations {
        let mut relations = self.stated.get(&format).cloned().unwrap_or_default();
        relations::exclude_plugins(&mut relations, format, self.compose.is_some(), self.buildx.is_some());
        relations.conflicts.retain(|relation| relation.name != self.name.as_str());
        relations
    }
}

/// Whether a URL needs a digest beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pins {
    Needed,
    Optional,
}

fn text_of(path: &Path) -> Result<String, RecipeError> {
    let access = |source| RecipeError::Access { path: path.to_owned(), source };
    let mut text = String::new();
    File::open(path).map_err(access)?.take(LIMIT + 1).read_to_string(&mut text).map_err(access)?;
    if text.len() as u64 > LIMIT {
        return Err(RecipeError::Large { path: path.to_owned(), limit: LIMIT });
    }
    Ok(text)
}

fn parse(text: &str, path: &Path, pins: Pins) -> Result<Recipe, RecipeError> {
    let faults = |mut faults: Vec<RecipeFault>| {
        faults.sort_by_key(|fault| fault.line);
        Err(RecipeError::Faults { path: path.to_owned(), faults })
    };
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let fault = |error: toml::de::Error| RecipeFault {
            line: error.span().map_or(1, |span| line_of(text, span.start)),
            reason: Reason::Syntax(error.message().to_owned()),
        };
        return faults(errors.into_iter().map(fault).collect());
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut reader = Reader::new(text, folder, pins);
    let recipe = recipe(&mut reader, document.get_ref());
    if reader.faults.is_empty() { Ok(recipe) } else { faults(reader.faults) }
}

fn recipe<'d>(reader: &mut Reader<'d>, document: &'d DeTable<'d>) -> Recipe {
    let base = Recipe::default();
    let top = reader.top(document);
    let compose = reader.section(document, "compose");
    let archive = reader.section(document, "archive");
    let buildx = reader.section(document, "buildx");
    let word = |text: &str| if text.is_empty() { Err("is empty") } else { Ok(text.to_owned()) };
    Recipe {
        name: reader.value(&top, "name", str::parse).unwrap_or(base.name),
        version: reader.value(&top, "version", |text| PackageVersion::new(text, "1").map(|_| text.to_owned())),
        epoch: reader.number(&top, "epoch").unwrap_or(base.epoch),
        release: reader
            .value(&top, "release", |text| PackageVersion::new("1", text).map(|_| text.to_owned()))
            .unwrap_or(base.release),
        maintainer: reader.value(&top, "maintainer", maintainer).unwrap_or(base.maintainer),
        architecture: reader.value(&top, "architecture", architecture).unwrap_or(base.architecture),
        include_dam: reader.switch(&top, "include_dam").unwrap_or(base.include_dam),
        dynamic: reader.list(&top, "dynamic", word).unwrap_or(base.dynamic),
        archive: input::read(reader, &archive),
        compose: input::read(reader, &compose),
        compose_command: reader.switch(&compose, "command").unwrap_or(base.compose_command),
        buildx: input::read(reader, &buildx),
        files: files::read(reader, document),
        daemon: daemon::read(reader, document),
        service: service::read(reader, document),
        stated: relations::read(reader, document),
    }
}

/// Reads a processor by the name either format gives it.
///
/// # Errors
/// One clause that names those there are.
pub fn architecture(text: &str) -> Result<Architecture, String> {
    let machines = || Architecture::EVERY.into_iter().filter(|architecture| *architecture != Architecture::All);
    let is_named =
        |architecture: &Architecture| [Format::Deb, Format::Rpm].iter().any(|&f| architecture.name(f) == text);
    machines().find(is_named).ok_or_else(|| {
        let names: Vec<_> = machines().map(|architecture| architecture.name(Format::Deb)).collect();
        format!("takes one of {}, not `{text}`", names.join(", "))
    })
}

fn maintainer(text: &str) -> Result<String, &'static str> {
    let good = text.strip_suffix('>').and_then(|text| text.split_once(" <")).is_some_and(|(name, address)| {
        !name.trim().is_empty() && address.contains('@') && !address.contains([' ', '<', '>'])
    });
    match good && !text.contains(char::is_control) {
        true => Ok(text.to_owned()),
        false => Err("is written `Name <address@host>`"),
    }
}
