//! All that a package is made of, read and looked at.

use std::fs;
use std::path::{Path, PathBuf};

use dam_pack::Entry;
use serde_json::{Map, Value};

use super::elf::Needs;
use super::recipe::{ExtraFile, Input, Recipe};
use super::{BuildError, EngineArchive, Plugin};

/// What goes into a package.
#[derive(Debug)]
pub struct Parts {
    /// The engine.
    pub archive: EngineArchive,
    /// The Compose plugin.
    pub compose: Option<Plugin>,
    /// The Buildx plugin.
    pub buildx: Option<Plugin>,
    /// dam itself.
    pub dam: Option<Companion>,
    /// Other files, with their lengths in bytes.
    pub extras: Vec<(ExtraFile, u64)>,
    /// The engine's settings.
    pub settings: Map<String, Value>,
}

/// dam, as it rides along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Companion {
    /// The program.
    pub program: Plugin,
    /// Its man pages and completions.
    pub papers: Vec<Entry>,
}

/// What is around while parts are gathered.
pub struct PartsAround<'a> {
    /// Brings a file of the recipe to this machine, and says where it is.
    pub bring: &'a mut dyn FnMut(&Input) -> crate::Result<PathBuf>,
    /// A folder for what is unpacked.
    pub scratch: &'a Path,
    /// This program, and its papers.
    pub dam: Option<(&'a Path, Vec<Entry>)>,
}

impl Parts {
    /// Gathers what a recipe names, and looks at each part: digests, and what programs run on.
    ///
    /// # Errors
    /// [`BuildError::NoArchive`]; [`BuildError::NoDam`]; and those of the parts.
    pub fn gather(recipe: &Recipe, around: PartsAround) -> crate::Result<Self> {
        let PartsAround { bring, scratch, dam } = around;
        let archive = recipe.archive.as_ref().ok_or(BuildError::NoArchive)?;
        // Settings are small and often wrong; the rest takes long.
        let settings = recipe.daemon.settings()?;
        let extras = recipe.files.iter().map(|file| Ok((file.clone(), length(&file.source)?)));
        let extras = extras.collect::<Result<_, BuildError>>()?;
        let plugin = |input: &Input, bring: &mut dyn FnMut(&Input) -> crate::Result<PathBuf>| {
            read_plugin(recipe, &bring(input)?, input)
        };
        let compose = recipe.compose.as_ref().map(|input| plugin(input, bring)).transpose()?;
        let buildx = recipe.buildx.as_ref().map(|input| plugin(input, bring)).transpose()?;
        let dam = match recipe.include_dam {
            true => Some(companion(recipe, dam)?),
            false => None,
        };
        let archive = EngineArchive::unpack(&bring(archive)?, archive.sha256, scratch)?;
        archive.check(recipe.architecture, &recipe.dynamic)?;
        Ok(Self { archive, compose, buildx, dam, extras, settings })
    }
}

fn read_plugin(recipe: &Recipe, path: &Path, input: &Input) -> crate::Result<Plugin> {
    Ok(Plugin::read(path, input.sha256, recipe.architecture, needs(recipe, path))?)
}

/// Returns what a program may want: libraries, if the recipe names it.
fn needs(recipe: &Recipe, path: &Path) -> Needs {
    let name = path.file_name().unwrap_or_default();
    match recipe.dynamic.iter().any(|dynamic| name == dynamic.as_str()) {
        true => Needs::Libraries,
        false => Needs::Nothing,
    }
}

fn companion(recipe: &Recipe, dam: Option<(&Path, Vec<Entry>)>) -> crate::Result<Companion> {
    let (path, papers) = dam.ok_or(BuildError::NoDam)?;
    let program = Plugin::read(path, None, recipe.architecture, needs(recipe, path))?;
    Ok(Companion { program, papers })
}

fn length(path: &Path) -> Result<u64, BuildError> {
    let about = fs::metadata(path).map_err(BuildError::access(path))?;
    match about.is_file() {
        true => Ok(about.len()),
        false => Err(BuildError::NoFile { path: path.to_owned() }),
    }
}
