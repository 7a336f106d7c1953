//! What is looked for.

use std::str::FromStr;

use super::SearchFault;

/// What is looked for, and how much of it is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What the names have in them; without, all names.
    pub mask: Option<Mask>,
    /// Names of a repo at the most; of several the first. Without, what a registry gives of itself: all, or of Docker Hub
    /// the best [`HUB_LIMIT`].
    pub limit: Option<usize>,
    /// Versions of a name.
    pub versions: Versions,
}

/// How many names of Docker Hub are shown where nothing else is wanted: as many as `docker search` shows.
pub const HUB_LIMIT: usize = 25;

/// How many versions of a name are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versions {
    /// None: the registry is not asked for them.
    None,
    /// The newest, so many at the most.
    Newest(usize),
    /// All.
    All,
}

/// A part of a name: some of its characters, small or large. With a `/` it may begin with the name of a repo, as names are
/// shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    /// As it was written.
    text: String,
    /// In small letters.
    small: String,
}

impl Mask {
    /// Returns it as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Tells whether a name goes with it: one of a repository, and the same behind the name of its repo.
    pub(super) fn fits(&self, repo: &str, name: &str) -> bool {
        let whole = || format!("{repo}/{name}").to_lowercase();
        name.to_lowercase().contains(&self.small) || self.small.contains('/') && whole().contains(&self.small)
    }

    /// Returns it as the whole name of a repository of `repo`.
    pub(super) fn as_name(&self, repo: &str) -> &str {
        self.small.strip_prefix(&repo.to_lowercase()).and_then(|rest| rest.strip_prefix('/')).unwrap_or(&self.small)
    }
}

impl FromStr for Mask {
    type Err = SearchFault;

    /// Takes what can be in a name: letters, digits and `.`, `-`, `_`, `/`.
    fn from_str(text: &str) -> Result<Self, SearchFault> {
        let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
        match !text.is_empty() && text.len() <= 255 && text.chars().all(letter) {
            true => Ok(Self { text: text.to_owned(), small: text.to_lowercase() }),
            false => Err(SearchFault::Mask(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Mask;

    fn mask(text: &str) -> Mask {
        text.parse().expect(text)
    }

    #[test]
    fn a_mask_is_a_part_of_a_name_in_small_or_large_letters() {
        assert!(mask("mongo").fits("plant", "mongodb"));
        assert!(mask("Mongo").fits("plant", "tools/mongodb"));
        assert!(mask("s/mo").fits("plant", "tools/mongodb"));
        assert!(!mask("mongo").fits("mongo", "shop"), "the repo's own name is no part of a name");
        assert!(mask("Plant/mongo").fits("plant", "mongodb"));
        assert!(!mask("plant/mongo").fits("site", "mongodb"));
        assert_eq!(mask("plant/Mongodb").as_name("Plant"), "mongodb");
        assert_eq!(mask("tools/mongodb").as_name("plant"), "tools/mongodb");
    }

    #[test]
    fn what_no_name_can_have_is_refused() {
        for bad in ["", "mongo:3", "a b", "a*", "größe", "\u{1b}[2J", &"a".repeat(256)] {
            assert!(bad.parse::<Mask>().is_err(), "{bad}");
        }
    }
}
