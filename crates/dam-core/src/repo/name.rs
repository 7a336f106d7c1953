//! Names of repos.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::app::{NameFault, word};

word! {
    /// The name of a repo: 1 to 64 letters, digits, `_` and `-`, beginning with a letter or digit, and no number, which would
    /// be taken for the repo's own. It has no dot and no colon, so that no registry's address can be mistaken for it.
    RepoName, |text| {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        let number = text.bytes().all(|byte| byte.is_ascii_digit());
        match begins && !number && text.len() <= 64 && text.bytes().all(word) && text != "localhost" {
            true => Ok(()),
            false => Err(NameFault::Repo(text.to_owned())),
        }
    }
}

impl RepoName {
    /// Returns what Docker Hub is called, as in DAM 1.x.
    pub fn official() -> Self {
        Self("official".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::RepoName;

    #[test]
    fn a_repo_is_named_by_a_word() {
        for good in ["plant", "local-repo", "Auto0", "a_b", "3rd"] {
            assert_eq!(good.parse::<RepoName>().expect(good).as_str(), good);
        }
        for bad in ["", "7", "plant:5000", "a.b", "a/b", "-a", "a b", "a;b", "localhost", "plänt"] {
            assert!(bad.parse::<RepoName>().is_err(), "{bad}");
        }
    }
}
