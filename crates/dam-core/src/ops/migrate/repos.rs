//! Repos of DAM 1.x by the rules of today.

use dam_oci::registry::Server;

use super::{MigratePlan, TakenLogin};
use crate::ledger::LeftRepo;
use crate::legacy::LegacyRepo;
use crate::repo::{DOCKER_HUB, Names, Repo, rules};

/// What becomes of the repos.
pub(super) struct Sorted {
    pub(super) repos: Vec<Repo>,
    pub(super) logins: Vec<TakenLogin>,
    pub(super) left: Vec<LeftRepo>,
}

/// Compares the repos of DAM 1.x with those of the ledger. One whose server the ledger knows is known; only its login may be
/// new. The default of DAM 1.x becomes the default where nobody has chosen another since.
pub(super) fn sort(legacy: &[LegacyRepo], known: &[Repo]) -> Sorted {
    let mut sorted = Sorted { repos: Vec::new(), logins: Vec::new(), left: Vec::new() };
    let mut names = Names::default();
    known.iter().for_each(|repo| names.take(&repo.name));
    let mut may_be_default = known.iter().all(|repo| !repo.is_default || repo.id == DOCKER_HUB);
    for old in legacy {
        let Ok(server) = old.server.parse::<Server>() else {
            sorted.left.push(LeftRepo { name: old.name.clone(), server: old.server.clone() });
            continue;
        };
        if let Some(known) = known.iter().find(|repo| repo.server == server) {
            sorted.logins.extend(login(old, known));
            continue;
        }
        let username = username(old);
        let is_default = old.is_default && may_be_default;
        may_be_default &= !is_default;
        sorted.repos.push(Repo {
            is_default,
            password: old.password.clone().filter(|_| username.is_some()),
            username,
            ..Repo::new(names.good(&old.name), server)
        });
    }
    sorted
}

/// Returns the login of a repo that the ledger knows without one, or without its password.
fn login(old: &LegacyRepo, known: &Repo) -> Option<TakenLogin> {
    let username = username(old)?;
    let same_user = known.username.as_ref() == Some(&username);
    let is_new = known.username.is_none() || (same_user && known.password.is_none() && old.password.is_some());
    is_new.then(|| TakenLogin { repo: known.name.clone(), username, password: old.password.clone() })
}

/// Returns the user, unless no registry could tell it from its password.
fn username(old: &LegacyRepo) -> Option<String> {
    let good = !old.username.is_empty() && !old.username.contains(|c: char| c == ':' || c.is_control());
    good.then(|| old.username.clone())
}

/// Adds the repos and the logins of a plan. What the rules would refuse, such as plain http, comes along and is refused when
/// it is used, with the way out.
pub(super) fn taken_over(repos: &[Repo], plan: &MigratePlan) -> Vec<Repo> {
    let with_login = |repo: &Repo| match plan.logins.iter().find(|login| login.repo == repo.name) {
        Some(login) => {
            Repo { username: Some(login.username.clone()), password: login.password.clone(), ..repo.clone() }
        }
        None => repo.clone(),
    };
    plan.repos.iter().cloned().fold(repos.iter().map(with_login).collect(), rules::join)
}
