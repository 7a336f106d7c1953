//! The rules of repos, as functions from all repos to all repos: names are unique, exactly one is the default, and Docker Hub
//! stays.

use dam_oci::registry::{ClientCertificate, Scheme, Secret, Server};

use super::{DOCKER_HUB, Repo, RepoFault, RepoId, RepoName, pem};

/// Result of a rule.
pub type Ruled<T = Vec<Repo>> = Result<T, RepoFault>;

/// What to change of a repo; `None` stays as it is, and `Some(None)` is taken away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RepoChanges {
    /// Its name.
    pub name: Option<RepoName>,
    /// Its server.
    pub server: Option<Server>,
    /// Whether it is the default; when the default no longer is, Docker Hub is.
    pub is_default: Option<bool>,
    /// The user. Another user takes the password of the one before away, unless there is a new one, too.
    pub username: Option<Option<String>>,
    /// The password.
    pub password: Option<Option<Secret>>,
    /// The authority's certificates.
    pub ca: Option<Option<String>>,
    /// The client's certificate.
    pub client_cert: Option<Option<String>>,
    /// The client's key.
    pub client_key: Option<Option<Secret>>,
    /// Whether plain http, and certificates that nobody signed, are accepted.
    pub insecure: Option<bool>,
    /// The registry it is a mirror of.
    pub mirror_of: Option<Option<Server>>,
}

/// Adds a repo, whose number is 0 until the ledger gives it one.
pub fn add(repos: &[Repo], new: Repo) -> Ruled {
    check(repos, &new)?;
    Ok(join(repos.to_vec(), new))
}

/// Puts a repo behind the others, whether it is good or not.
pub(crate) fn join(mut repos: Vec<Repo>, new: Repo) -> Vec<Repo> {
    if new.is_default {
        repos.iter_mut().for_each(|repo| repo.is_default = false);
    }
    repos.push(new);
    repos
}

/// Changes a repo. Of Docker Hub only the mark of the default, the login and the authority can be changed: a proxy that
/// looks into TLS has one of its own.
pub fn modify(repos: &[Repo], wanted: &RepoId, changes: RepoChanges) -> Ruled {
    let place = place(repos, wanted)?;
    let old = &repos[place];
    if old.id == DOCKER_HUB {
        refuse_of_docker_hub(&changes)?;
    }
    let new = changed(old, changes)?;
    let others: Vec<_> = repos.iter().filter(|repo| repo.id != new.id).cloned().collect();
    check(&others, &new)?;
    let was_default = old.is_default;
    let mut repos = repos.to_vec();
    if new.is_default {
        repos.iter_mut().for_each(|repo| repo.is_default = false);
    }
    repos[place] = new;
    Ok(if was_default { with_default(repos) } else { repos })
}

/// Removes a repo; the default only with `force`, and Docker Hub never. What was installed from it stays installed.
pub fn remove(repos: &[Repo], wanted: &RepoId, force: bool) -> Ruled {
    let place = place(repos, wanted)?;
    if repos[place].id == DOCKER_HUB {
        return Err(RepoFault::Stays);
    }
    if repos[place].is_default && !force {
        return Err(RepoFault::IsDefault { name: repos[place].name.clone() });
    }
    let mut repos = repos.to_vec();
    repos.remove(place);
    Ok(with_default(repos))
}

/// Finds the repo that is meant.
pub fn find<'a>(repos: &'a [Repo], wanted: &RepoId) -> Ruled<&'a Repo> {
    place(repos, wanted).map(|place| &repos[place])
}

fn place(repos: &[Repo], wanted: &RepoId) -> Ruled<usize> {
    repos.iter().position(|repo| wanted.is(repo)).ok_or_else(|| RepoFault::Unknown(wanted.clone()))
}

/// Makes Docker Hub the default where there is none.
fn with_default(mut repos: Vec<Repo>) -> Vec<Repo> {
    if !repos.iter().any(|repo| repo.is_default) {
        repos.iter_mut().filter(|repo| repo.id == DOCKER_HUB).for_each(|hub| hub.is_default = true);
    }
    repos
}

fn refuse_of_docker_hub(changes: &RepoChanges) -> Ruled<()> {
    let fixed = [
        ("name", changes.name.is_some()),
        ("server", changes.server.is_some()),
        ("client certificate", changes.client_cert.is_some() || changes.client_key.is_some()),
        ("security", changes.insecure == Some(true)),
        ("mirror", changes.mirror_of.is_some()),
    ];
    match fixed.into_iter().find(|(_, asked)| *asked) {
        Some((what, _)) => Err(RepoFault::BuiltIn { what }),
        None => Ok(()),
    }
}

fn changed(old: &Repo, changes: RepoChanges) -> Ruled<Repo> {
    let username = changes.username.unwrap_or_else(|| old.username.clone());
    let kept = old.password.clone().filter(|_| username == old.username);
    let (chain, key) = old.client.clone().map(|client| (client.chain, client.key)).unzip();
    let client = (changes.client_cert.unwrap_or(chain), changes.client_key.unwrap_or(key));
    let name = changes.name.unwrap_or_else(|| old.name.clone());
    Ok(Repo {
        id: old.id,
        server: changes.server.unwrap_or_else(|| old.server.clone()),
        is_default: changes.is_default.unwrap_or(old.is_default),
        password: changes.password.unwrap_or(kept),
        username,
        ca: changes.ca.unwrap_or_else(|| old.ca.clone()),
        client: client_of(&name, client)?,
        insecure: changes.insecure.unwrap_or(old.insecure),
        mirror_of: changes.mirror_of.unwrap_or_else(|| old.mirror_of.clone()),
        name,
    })
}

/// Joins a client's certificate and key: both or neither, and they belong together.
pub fn client_of(name: &RepoName, parts: (Option<String>, Option<Secret>)) -> Ruled<Option<ClientCertificate>> {
    match parts {
        (Some(chain), Some(key)) if !pem::belong_together(&chain, &key) => {
            Err(RepoFault::OtherKey { name: name.clone() })
        }
        (Some(chain), Some(key)) => Ok(Some(ClientCertificate { chain, key })),
        (None, None) => Ok(None),
        _ => Err(RepoFault::HalfClient { name: name.clone() }),
    }
}

/// Checks a repo as it shall be, beside all others.
fn check(others: &[Repo], new: &Repo) -> Ruled<()> {
    let same = |repo: &&Repo| repo.name.as_str().eq_ignore_ascii_case(new.name.as_str());
    if let Some(taken) = others.iter().find(same) {
        return Err(RepoFault::NameTaken { name: taken.name.clone(), id: taken.id });
    }
    if new.password.is_some() && new.username.is_none() {
        return Err(RepoFault::NoUser { name: new.name.clone() });
    }
    if let Some(user) = new.username.as_ref().filter(|user| user.contains(|c: char| c == ':' || c.is_control())) {
        return Err(RepoFault::BadUser(user.clone()));
    }
    let plain = new.server.scheme() == Some(Scheme::Http) && !new.server.is_loopback();
    if plain && !new.insecure {
        return Err(RepoFault::NotSecure { server: new.server.clone() });
    }
    let same = |origin: &&Server| origin.host() == new.server.host() && origin.path() == new.server.path();
    match new.mirror_of.as_ref().filter(same) {
        Some(_) => Err(RepoFault::MirrorOfItself { server: new.server.clone() }),
        None => Ok(()),
    }
}
