//! What a name means where repos are configured.

use dam_core::repo::{DOCKER_HUB, Logins, Registries, Repo};
use dam_oci::Reference;
use dam_oci::registry::{Credentials, Network, Server};

struct Nobody;

impl Logins for Nobody {
    fn find(&self, _: &str, _: &str) -> dam_core::Result<Option<Credentials>> {
        Ok(None)
    }
}

fn repo(id: u32, name: &str, server: &str) -> Repo {
    Repo { id, ..Repo::new(name.parse().expect(name), server.parse().expect(server)) }
}

/// Docker Hub, `plant`, and `Team` below a path of the same host.
fn registries(default: u32) -> Registries {
    let mut repos = vec![
        Repo::docker_hub(),
        repo(2, "plant", "registry.plant:5000"),
        repo(3, "Team", "registry.plant:5000/team/a"),
    ];
    repos.iter_mut().for_each(|repo| repo.is_default = repo.id == default);
    Registries::new(repos, Box::new(Nobody), Network::default())
}

/// The full name of what `word` means, and the repo it is of.
fn meant(default: u32, word: &str) -> (String, Option<u32>) {
    let registries = registries(default);
    let meant = registries.meant(&word.parse().expect(word)).expect(word);
    (meant.reference.to_string(), meant.repo.map(|repo| repo.id))
}

#[test]
fn a_name_is_of_the_default_repo() {
    assert_eq!(meant(1, "mongodb:3.6"), ("mongodb:3.6".into(), Some(1)));
    assert_eq!(meant(2, "mongodb:3.6"), ("registry.plant:5000/mongodb:3.6".into(), Some(2)));
    assert_eq!(meant(2, "tools/backup"), ("registry.plant:5000/tools/backup".into(), Some(2)));
    assert_eq!(meant(3, "mongodb:3.6"), ("registry.plant:5000/team/a/mongodb:3.6".into(), Some(3)));
}

#[test]
fn the_name_of_a_repo_wins_over_a_user_of_docker_hub() {
    assert_eq!(meant(1, "plant/mongodb:3.6"), ("registry.plant:5000/mongodb:3.6".into(), Some(2)));
    assert_eq!(meant(2, "official/mongodb"), ("mongodb".into(), Some(1)));
    assert_eq!(meant(1, "ship/mongodb"), ("ship/mongodb".into(), Some(1)));
}

#[test]
fn a_repo_with_capitals_is_no_registry() {
    assert_eq!(meant(1, "Team/mongodb:1"), ("registry.plant:5000/team/a/mongodb:1".into(), Some(3)));
}

#[test]
fn a_path_may_be_written_or_not() {
    assert_eq!(meant(1, "Team/team/a/mongodb:1"), ("registry.plant:5000/team/a/mongodb:1".into(), Some(3)));
}

#[test]
fn an_address_is_of_the_repo_that_holds_it() {
    assert_eq!(meant(1, "registry.plant:5000/shop:1"), ("registry.plant:5000/shop:1".into(), Some(2)));
    assert_eq!(meant(1, "registry.plant:5000/team/a/shop:1"), ("registry.plant:5000/team/a/shop:1".into(), Some(3)));
    assert_eq!(meant(1, "localhost:5000/shop:1"), ("localhost:5000/shop:1".into(), None));
}

#[test]
fn a_digest_stays() {
    let digest = format!("sha256:{}", "ab".repeat(32));
    let (name, _) = meant(1, &format!("plant/mongodb@{digest}"));
    assert_eq!(name, format!("registry.plant:5000/mongodb@{digest}"));
}

#[test]
fn docker_hub_is_there_and_the_default_where_nothing_is_configured() {
    let registries = Registries::new(Vec::new(), Box::new(Nobody), Network::default());
    let default = registries.default_repo();
    assert_eq!((default.id, default.name.as_str(), &default.server), (DOCKER_HUB, "official", &Server::docker_hub()));
}

#[test]
fn mirrors_are_of_what_they_mirror() {
    let mirror = Repo { mirror_of: Some(Server::docker_hub()), ..repo(2, "cache", "mirror.plant") };
    let registries = Registries::new(vec![mirror], Box::new(Nobody), Network::default());
    let mirrors = |name: &str| registries.mirrors_of(&name.parse::<Reference>().expect(name)).len();
    assert_eq!((mirrors("busybox:1"), mirrors("a/b"), mirrors("plant:5000/busybox:1")), (1, 1, 0));
}
