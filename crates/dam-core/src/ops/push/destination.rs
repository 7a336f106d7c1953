//! Where a push goes to.

use std::str::FromStr;

use dam_oci::registry::{Registry, Server};

use crate::Result;
use crate::app::NameFault;
use crate::repo::{Registries, RepoId, rules};

/// A registry: as a repo, or by its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A repo, by its name or number.
    Repo(RepoId),
    /// `HOST[:PORT][/PATH]`. Where that is of a repo, what it takes to reach it is the repo's.
    Server(Server),
}

impl Destination {
    /// Returns the server that images are to be named after, and the way to it.
    ///
    /// # Errors
    /// [`crate::repo::RepoFault::Unknown`], and those of [`Registries::open`].
    pub(super) fn open(&self, registries: &Registries) -> Result<(Server, Registry)> {
        match self {
            Self::Repo(wanted) => {
                let repo = rules::find(registries.repos(), wanted)?;
                Ok((repo.server.clone(), registries.open(repo)?))
            }
            Self::Server(server) => Ok((server.clone(), registries.open_at(server)?)),
        }
    }
}

impl FromStr for Destination {
    type Err = DestinationFault;

    fn from_str(text: &str) -> Result<Self, DestinationFault> {
        match (text.parse::<RepoId>(), text.parse::<Server>()) {
            (Ok(repo), _) => Ok(Self::Repo(repo)),
            (Err(_), Ok(server)) => Ok(Self::Server(server)),
            (Err(fault), Err(_)) => Err(DestinationFault { text: text.to_owned(), source: fault }),
        }
    }
}

/// A text that is neither a repo nor a registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is neither a repo (`dam listrepos`) nor a registry (`HOST[:PORT][/PATH]`)")]
pub struct DestinationFault {
    text: String,
    source: NameFault,
}

#[cfg(test)]
mod tests {
    use super::Destination;

    #[test]
    fn a_repo_is_a_word_and_a_registry_has_a_dot_or_a_port() {
        let read = |text: &str| text.parse::<Destination>().expect(text);
        for repo in ["plant", "2", "local-repo"] {
            assert_eq!(read(repo), Destination::Repo(repo.parse().expect(repo)));
        }
        for server in ["plant:5000", "localhost", "registry.plant/team", "https://plant:5000", "127.0.0.1:5000"] {
            assert_eq!(read(server), Destination::Server(server.parse().expect(server)));
        }
        for bad in ["", "a b", "plant/team", "-x"] {
            assert!(bad.parse::<Destination>().is_err(), "{bad}");
        }
    }
}
