//! The variables an instruction sees.

use std::collections::BTreeMap;

use super::expand::Expansion;
use super::{Action, Dockerfile, Instruction, Quotes};
use crate::{Error, Platform, Result};

/// The variables of a stage, changed by each `ARG` and `ENV`.
///
/// A build argument reaches a stage only where the stage declares it with `ARG`, and what `ENV` sets wins over it.
/// Source: <https://docs.docker.com/reference/dockerfile/#scope>.
#[derive(Debug, Clone)]
pub(crate) struct Scope<'a> {
    escape: char,
    given: &'a BTreeMap<String, String>,
    globals: BTreeMap<String, String>,
    arguments: BTreeMap<String, String>,
    environment: Vec<(String, String)>,
}

impl<'a> Scope<'a> {
    /// Makes the scope of the lines before the first `FROM`, where `given` are the build arguments.
    pub(crate) fn new(file: &Dockerfile, given: &'a BTreeMap<String, String>, platform: &Platform) -> Result<Self> {
        let mut scope = Self {
            escape: file.escape,
            given,
            globals: BTreeMap::new(),
            arguments: automatic(platform),
            environment: Vec::new(),
        };
        for global in &file.globals {
            scope.take(global)?;
        }
        scope.globals = scope.arguments.clone();
        Ok(scope)
    }

    /// Starts a stage that inherits `environment`.
    pub(crate) fn enter(&mut self, environment: Vec<(String, String)>) {
        self.arguments.clear();
        self.environment = environment;
    }

    /// Goes back to the lines before the first `FROM`, whose variables are those a `FROM` sees.
    pub(crate) fn leave(&mut self) {
        self.arguments = self.globals.clone();
        self.environment.clear();
    }

    /// Returns what `ENV` has set, in the order of first mention.
    pub(crate) fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// Returns the value of a variable.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let set = self.environment.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        set.or_else(|| self.arguments.get(name)).cloned()
    }

    /// Expands a word of the instruction on `line`.
    pub(crate) fn expand(&self, line: usize, word: &str) -> Result<String> {
        self.expand_as(Quotes::Undone, line, word)
    }

    /// Expands a here-document or a word.
    pub(crate) fn expand_as(&self, quotes: Quotes, line: usize, word: &str) -> Result<String> {
        let expansion = Expansion { escape: self.escape, quotes, variable: &|name| self.get(name) };
        expansion.expand(word).map_err(|reason| Error::dockerfile(line, format!("{reason} in `{word}`")))
    }

    /// Takes an `ARG` or `ENV` into account, and returns the names it sets. Any other instruction changes nothing.
    pub(crate) fn take(&mut self, instruction: &Instruction) -> Result<Vec<String>> {
        let line = instruction.line;
        let mut names = Vec::new();
        match &instruction.action {
            Action::Arg(arguments) => {
                for (name, default) in arguments {
                    let name = self.expand(line, name)?;
                    if let Some(value) = self.argument(line, &name, default.as_deref())? {
                        self.arguments.insert(name.clone(), value);
                        names.push(name);
                    }
                }
            }
            Action::Env(pairs) => {
                let expanded = |word: &String| self.expand(line, word);
                // All of one instruction see the values from before it.
                let pairs: Vec<_> =
                    pairs.iter().map(|(name, value)| Ok((expanded(name)?, expanded(value)?))).collect::<Result<_>>()?;
                for (name, value) in pairs {
                    names.push(name.clone());
                    match self.environment.iter_mut().find(|(key, _)| *key == name) {
                        Some(pair) => pair.1 = value,
                        None => self.environment.push((name, value)),
                    }
                }
            }
            _ => {}
        }
        Ok(names)
    }

    /// Returns the value of a declared argument: given, else its default, else the one from before the first `FROM`.
    fn argument(&self, line: usize, name: &str, default: Option<&str>) -> Result<Option<String>> {
        match (self.given.get(name), default) {
            (Some(given), _) => Ok(Some(given.clone())),
            (None, Some(default)) => self.expand(line, default).map(Some),
            (None, None) => Ok(self.globals.get(name).cloned()),
        }
    }
}

/// Source: <https://docs.docker.com/reference/dockerfile/#automatic-platform-args-in-the-global-scope>.
fn automatic(target: &Platform) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for (prefix, platform) in [("BUILD", &Platform::host()), ("TARGET", target)] {
        values.insert(format!("{prefix}PLATFORM"), platform.to_string());
        values.insert(format!("{prefix}OS"), platform.os.clone());
        values.insert(format!("{prefix}ARCH"), platform.architecture.clone());
        values.insert(format!("{prefix}VARIANT"), platform.variant.clone().unwrap_or_default());
    }
    values
}
