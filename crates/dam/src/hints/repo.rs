//! Advice on repos.

use dam_core::repo::RepoFault;

use super::Advice;
use crate::error::Hint;

pub(super) fn advise(fault: &RepoFault) -> Advice {
    match fault {
        RepoFault::NameTaken { id, .. } => {
            let command = format!("dam modifyrepo {id}");
            Advice::with("repo-name-taken", [Hint::Command(command, "changes that one")])
        }
        RepoFault::Unknown(_) => Advice::with("no-repo", [Hint::Command("dam listrepos".into(), "shows all")]),
        RepoFault::BuiltIn { .. } => {
            let hint = Hint::Advice("its default mark, its login and its authority can be changed".into());
            Advice::with("repo-built-in", [hint])
        }
        RepoFault::Stays => Advice::new("repo-built-in"),
        RepoFault::IsDefault { .. } => {
            let note = "removes it, and Docker Hub becomes the default";
            Advice::with("repo-default", [Hint::Again { before: "", after: "--force", note }])
        }
        RepoFault::NoUser { .. } => {
            Advice::with("repo-no-user", [Hint::Again { before: "", after: "--username USER", note: "" }])
        }
        RepoFault::BadUser(_) => Advice::new("repo-bad-user"),
        RepoFault::NotSecure { .. } => {
            let note = "says that this is known";
            Advice::with("repo-not-secure", [Hint::Again { before: "", after: "--insecure", note }])
        }
        RepoFault::MirrorOfItself { .. } => Advice::new("repo-mirror"),
        RepoFault::HalfClient { .. } | RepoFault::OtherKey { .. } => {
            Advice::with("repo-half-client", [Hint::Advice("give both --client-cert and --client-key".into())])
        }
        RepoFault::Pem { path, .. } => {
            let hint = Hint::Advice("a PEM file has lines such as -----BEGIN CERTIFICATE-----".into());
            Advice::with("bad-pem", [hint]).at(path)
        }
    }
}
