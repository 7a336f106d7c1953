//! What a search comes to.

use dam_oci::registry::RegistryError;
use serde::Serialize;

use super::HUB_LIMIT;
use crate::Error;
use crate::app::Version;
use crate::repo::RepoName;

/// A repository that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The repo it is of.
    pub repo: RepoName,
    /// Its name, as `install` takes it on this machine.
    pub name: String,
    /// Its versions, newest first; none where they were not asked for, or could not be told.
    pub versions: Option<Vec<Version>>,
    /// How many older versions there are.
    pub more: usize,
    /// What Docker Hub says of it.
    #[serde(flatten)]
    pub hub: Option<HubEntry>,
}

/// What Docker Hub says of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HubEntry {
    /// What its owner says of it, on one line.
    pub description: String,
    /// How many users like it.
    pub stars: u64,
    /// Whether Docker itself looks after it.
    pub official: bool,
}

/// What a search came to, beside what it found.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many repositories were found.
    pub found: usize,
    /// What there is to know of the answer, in the order of the repos.
    pub notes: Vec<Note>,
    /// What went wrong, in the order of the repos.
    pub faults: Vec<Missed>,
}

/// What there is to know of the answer of a repo.
#[derive(Debug, thiserror::Error)]
pub enum Note {
    /// Docker Hub was not asked.
    #[error("`{repo}` was not asked: {reason}")]
    NotAsked {
        /// The repo.
        repo: RepoName,
        /// What is wrong with the question.
        reason: Box<SearchFault>,
    },
    /// There are more names than were wanted.
    #[error("`{repo}` has {more} more that go with it")]
    Limited {
        /// The repo.
        repo: RepoName,
        /// How many were left out.
        more: usize,
    },
    /// There may be more names: Docker Hub gave as many as were wanted.
    #[error("these are the {limit} best of `{repo}`; there may be more")]
    Best {
        /// The repo.
        repo: RepoName,
        /// How many were asked for.
        limit: usize,
    },
    /// The registry lists nothing, and only a repository of that very name was looked for.
    #[error("`{repo}` does not list its repositories: only one that is named `{name}` was looked for")]
    OnlyThatName {
        /// The repo.
        repo: RepoName,
        /// The name.
        name: String,
    },
}

/// What went wrong with a repo. What was found there before stays found.
#[derive(Debug)]
pub struct Missed {
    /// The repo.
    pub repo: RepoName,
    /// What went wrong first.
    pub error: Error,
    /// Of how many names the versions could not be told; 0 where the names themselves could not.
    pub names: usize,
}

/// What can be wrong with a search.
#[derive(Debug, thiserror::Error)]
pub enum SearchFault {
    /// The mask has something that no name has.
    #[error("`{0}` is no part of a name: letters, digits, `.`, `-`, `_` and `/`")]
    Mask(String),
    /// Docker Hub alone was asked, for nothing in particular.
    #[error("Docker Hub cannot list everything; it needs a word to search for")]
    HubNeedsWord,
    /// Docker Hub takes no such word.
    #[error("Docker Hub searches for words of 2 to 100 letters, and `{0}` is none")]
    HubWord(String),
    /// The registry does not list what it has, and has no repository of the very name that was looked for.
    #[error("`{repo}` does not list its repositories; it has to be asked for one by its whole name")]
    NoCatalog {
        /// The repo.
        repo: RepoName,
        /// What it said when it was asked for the list.
        source: Box<RegistryError>,
    },
    /// The registry lists names without end.
    #[error("`{repo}` lists more than {limit} repositories")]
    Endless {
        /// The repo.
        repo: RepoName,
        /// How many were read.
        limit: usize,
    },
}

impl Note {
    /// Says that Docker Hub may have more, if it gave as many as it was asked for.
    pub(super) fn best(repo: &RepoName, limit: Option<usize>, found: usize) -> Option<Self> {
        let limit = limit.unwrap_or(HUB_LIMIT);
        (found >= limit).then(|| Self::Best { repo: repo.clone(), limit })
    }
}
