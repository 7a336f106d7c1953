//! The parts of a recipe that come from elsewhere.

use serde::Serialize;

use super::{Input, Recipe, keys};

/// A part of a recipe that comes from elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The engine.
    Archive,
    /// The Compose plugin.
    Compose,
    /// The Buildx plugin.
    Buildx,
}

impl Part {
    /// All parts, in the order of a recipe.
    pub const EVERY: [Self; 3] = [Self::Archive, Self::Compose, Self::Buildx];

    /// Returns the name of its section.
    pub fn name(self) -> &'static str {
        match self {
            Self::Archive => "archive",
            Self::Compose => "compose",
            Self::Buildx => "buildx",
        }
    }

    /// Returns one of its keys as messages name it.
    pub fn key(self, key: &str) -> String {
        keys::full(self.name(), key)
    }

    /// Returns what a recipe says of it.
    pub fn of(self, recipe: &Recipe) -> Option<&Input> {
        match self {
            Self::Archive => recipe.archive.as_ref(),
            Self::Compose => recipe.compose.as_ref(),
            Self::Buildx => recipe.buildx.as_ref(),
        }
    }

    pub(super) fn of_mut(self, recipe: &mut Recipe) -> Option<&mut Input> {
        match self {
            Self::Archive => recipe.archive.as_mut(),
            Self::Compose => recipe.compose.as_mut(),
            Self::Buildx => recipe.buildx.as_mut(),
        }
    }
}
