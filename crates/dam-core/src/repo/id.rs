//! Which repo is meant.

use std::fmt;
use std::str::FromStr;

use super::{Repo, RepoName};
use crate::app::NameFault;

/// A repo, by its number or its name. No name is a number, so that one is never taken for the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepoId {
    /// Its number.
    Number(u32),
    /// Its name.
    Name(RepoName),
}

impl RepoId {
    /// Tells whether a repo is the one that is meant.
    pub fn is(&self, repo: &Repo) -> bool {
        match self {
            Self::Number(number) => repo.id == *number,
            Self::Name(name) => repo.name == *name,
        }
    }
}

impl fmt::Display for RepoId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl FromStr for RepoId {
    type Err = NameFault;

    fn from_str(text: &str) -> Result<Self, NameFault> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits => Ok(Self::Number(number)),
            _ => text.parse().map(Self::Name),
        }
    }
}
