//! What a name of an image means on this machine.

use dam_oci::{ParseReferenceError, Reference};

use super::{Registries, Repo};

/// An image that was named, and where it would come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meant<'a> {
    /// Its full name.
    pub reference: Reference,
    /// The repo it belongs to, if one is configured for its registry.
    pub repo: Option<&'a Repo>,
    /// Whether the registry or repo was named, and nothing else can be meant.
    pub named: bool,
}

impl Registries {
    /// Says what `word` means: `REPO/NAME` is of that repo, `HOST/NAME` of that registry, and `NAME` of the default repo. The
    /// name of a repo wins over a user of Docker Hub of that name, who is still `docker.io/USER/NAME`.
    ///
    /// # Errors
    /// Where the name under the repo breaks the grammar of references.
    pub fn meant(&self, word: &Reference) -> Result<Meant<'_>, ParseReferenceError> {
        if let Some((repo, rest)) = self.by_repo(word) {
            let reference = place(repo, rest, word)?;
            return Ok(Meant { reference, repo: Some(repo), named: true });
        }
        if word.registry().is_some() {
            return Ok(Meant { reference: word.clone(), repo: self.repo_of(word), named: true });
        }
        let repo = self.default_repo();
        Ok(Meant { reference: place(repo, word.repository(), word)?, repo: Some(repo), named: false })
    }

    /// Finds the repo that the first part of a name names; a name with capitals looks like a registry.
    fn by_repo<'a>(&self, word: &'a Reference) -> Option<(&Repo, &'a str)> {
        let (first, rest) = match word.registry() {
            Some(host) => (host, word.repository()),
            None => word.repository().split_once('/')?,
        };
        let repo = self.repos().iter().find(|repo| repo.name.as_str() == first)?;
        Some((repo, rest))
    }
}

/// Names a repository of a repo, with the tag and digest of `word`.
fn place(repo: &Repo, name: &str, word: &Reference) -> Result<Reference, ParseReferenceError> {
    let reference = repo.server.reference(name, word.tag())?;
    Ok(match word.digest() {
        Some(digest) => reference.with_digest(digest),
        None => reference,
    })
}
