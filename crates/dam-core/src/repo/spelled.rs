//! How a repository is written on this machine.

use dam_oci::{ParseReferenceError, Reference};

use super::{Registries, Repo};

impl Registries {
    /// Writes a repository of `repo` as briefly as it can be, but so that [`Registries::meant`] finds just that: its name alone
    /// in the default repo, behind the name of the repo in others, and in full where another repo is in the way. `name` is
    /// what stands behind the server's path.
    ///
    /// # Errors
    /// Where `name` breaks the grammar of references.
    pub fn spell(&self, repo: &Repo, name: &str) -> Result<String, ParseReferenceError> {
        let full = repo.server.reference(name, None)?;
        let leads_there = |word: &String| {
            let word: Option<Reference> = word.parse().ok();
            word.is_some_and(|word| self.meant(&word).is_ok_and(|meant| meant.reference == full))
        };
        let words = [repo.is_default.then(|| name.to_owned()), Some(format!("{}/{name}", repo.name))];
        Ok(words.into_iter().flatten().find(leads_there).unwrap_or_else(|| full.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use dam_oci::registry::{Credentials, Network};

    use crate::Result;
    use crate::repo::{Logins, Registries, Repo};

    struct Nobody;

    impl Logins for Nobody {
        fn find(&self, _host: &str, _path: &str) -> Result<Option<Credentials>> {
            Ok(None)
        }
    }

    /// Docker Hub, and repos of the given names and servers; the default one has a `*` before its name.
    fn registries(repos: &[(&str, &str)]) -> Registries {
        let repos = repos.iter().zip(2..).map(|((name, server), id)| {
            let (name, is_default) = name.strip_prefix('*').map_or((*name, false), |name| (name, true));
            let repo = Repo::new(name.parse().expect(name), server.parse().expect(server));
            Repo { id, is_default, ..repo }
        });
        Registries::new(repos.collect(), Box::new(Nobody), Network::default())
    }

    fn spelled(registries: &Registries, repo: &str, name: &str) -> String {
        let repo = registries.repos().iter().find(|known| known.name.as_str() == repo).expect(repo);
        let reference = repo.server.reference(name, None).expect(name);
        let word = registries.spell(repo, name).expect("a name");
        let parsed = word.parse().expect("a name");
        assert_eq!(registries.meant(&parsed).expect("a name").reference, reference, "{word}");
        word
    }

    #[test]
    fn names_are_written_so_that_install_finds_them() {
        let fresh = registries(&[("plant", "plant:5000"), ("team", "plant:5000/team")]);
        assert_eq!(spelled(&fresh, "official", "mongo"), "mongo");
        assert_eq!(spelled(&fresh, "official", "bitnami/mongodb"), "bitnami/mongodb");
        assert_eq!(spelled(&fresh, "plant", "mongodb"), "plant/mongodb");
        assert_eq!(spelled(&fresh, "plant", "tools/mongodb"), "plant/tools/mongodb");
        assert_eq!(spelled(&fresh, "team", "mongodb"), "team/mongodb");
        assert_eq!(spelled(&fresh, "team", "a/mongodb"), "team/a/mongodb");
    }

    #[test]
    fn a_default_repo_of_ones_own_needs_no_name() {
        let own = registries(&[("*plant", "plant:5000"), ("team", "site:5000/team")]);
        assert_eq!(spelled(&own, "plant", "mongodb"), "mongodb");
        assert_eq!(spelled(&own, "official", "mongo"), "official/mongo");
        assert_eq!(spelled(&own, "official", "bitnami/mongodb"), "official/bitnami/mongodb");
    }

    #[test]
    fn another_repo_of_that_name_is_not_in_the_way() {
        let both = registries(&[("plant", "plant:5000"), ("*site", "site:5000")]);
        assert_eq!(spelled(&both, "site", "plant/mongodb"), "site/plant/mongodb");
        assert_eq!(spelled(&both, "site", "site/mongodb"), "site/site/mongodb");
        assert_eq!(spelled(&both, "site", "a.b/mongodb"), "site/a.b/mongodb");
        assert_eq!(
            spelled(&registries(&[("plant", "plant:5000")]), "official", "plant/mongodb"),
            "official/plant/mongodb"
        );
    }
}
