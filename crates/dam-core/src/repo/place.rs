//! What an image is called at another registry.

use dam_oci::registry::{Registry, Server};
use dam_oci::{ParseReferenceError, Reference};

use super::{Registries, Repo};

impl Repo {
    /// Returns what an image of the repo `from` is called here.
    ///
    /// # Errors
    /// Where the name gets too long.
    pub(super) fn named_here(&self, from: &Server, reference: &Reference) -> Result<Reference, ParseReferenceError> {
        let name = without_path(from, reference.repository());
        with_digest(self.server.reference(name, reference.tag())?, reference)
    }

    /// Returns what an image of the registry that this one mirrors is called here: `mongo` of Docker Hub is
    /// `library/mongo`.
    ///
    /// # Errors
    /// Where the name gets too long.
    pub(super) fn mirrored(&self, origin: &Server, reference: &Reference) -> Result<Reference, ParseReferenceError> {
        let name = without_path(origin, reference.repository());
        let official = origin.is_docker_hub() && !self.server.is_docker_hub() && !name.contains('/');
        let name = if official { format!("library/{name}") } else { name.to_owned() };
        with_digest(self.server.reference(&name, reference.tag())?, reference)
    }
}

impl Registries {
    /// Tells whether only dam finds the way to an image: an engine knows neither what stands in for Docker Hub, nor plain
    /// http that an address asks for, nor an API that is below a path.
    pub(super) fn is_only_for_dam(&self, repo: Option<&Repo>, registry: &Registry) -> bool {
        let server = registry.server();
        let stands_in = server.is_docker_hub() && self.has_hub();
        let own_way = server.scheme().is_some_and(|scheme| scheme == dam_oci::registry::Scheme::Http);
        stands_in || own_way || !server.path().is_empty() || repo.is_some_and(Repo::is_dams_own)
    }
}

fn without_path<'a>(server: &Server, repository: &'a str) -> &'a str {
    let below = repository.strip_prefix(server.path()).and_then(|rest| rest.strip_prefix('/'));
    below.filter(|_| !server.path().is_empty()).unwrap_or(repository)
}

fn with_digest(reference: Reference, from: &Reference) -> Result<Reference, ParseReferenceError> {
    Ok(match from.digest() {
        Some(digest) => reference.with_digest(digest),
        None => reference,
    })
}

#[cfg(test)]
mod tests {
    use crate::repo::Repo;

    fn repo(server: &str) -> Repo {
        Repo::new("x".parse().expect("a name"), server.parse().expect("a server"))
    }

    #[test]
    fn an_image_keeps_its_name_and_changes_its_place() {
        let moved = |from: &str, to: &str, image: &str| {
            let reference = image.parse().expect("a reference");
            let from = repo(from).server;
            let there = repo(to);
            let named = there.named_here(&from, &reference).expect("a name").to_string();
            (named, there.mirrored(&from, &reference).expect("a name").to_string())
        };
        let same = |name: &str| (name.to_owned(), name.to_owned());
        assert_eq!(moved("plant:5000", "ship:5000", "plant:5000/a/b:1"), same("ship:5000/a/b:1"));
        assert_eq!(moved("plant:5000/team", "ship:5000/x", "plant:5000/team/b:1"), same("ship:5000/x/b:1"));
        assert_eq!(
            moved("docker.io", "ship:5000/hub", "mongo:4"),
            ("ship:5000/hub/mongo:4".to_owned(), "ship:5000/hub/library/mongo:4".to_owned())
        );
        assert_eq!(moved("docker.io", "ship:5000", "bitnami/mongo"), same("ship:5000/bitnami/mongo"));
        assert_eq!(moved("plant:5000", "docker.io", "plant:5000/mongo:4"), same("mongo:4"));
        let digest = format!("plant:5000/b@sha256:{}", "0".repeat(64));
        assert_eq!(moved("plant:5000", "ship:5000", &digest), same(&digest.replace("plant", "ship")));
    }
}
