//! The advice for each error: its stable kind, the path at fault, and what to type next.
//!
//! The libraries state facts; this is the one place that knows flags and commands. Each area's enum has one function
//! with one exhaustive `match`, so that a new variant does not compile until someone has thought about its reader.

mod build;
mod bundle;
mod change;
mod docker;
mod download;
mod engine;
mod export;
mod fetch;
mod hook;
mod install;
mod ledger;
mod list;
mod login;
mod meta;
mod oci;
mod package;
mod project;
mod push;
mod registry;
mod repo;
mod repository;
mod search;

use std::io;
use std::path::{Path, PathBuf};

use dam_core::Error;

use crate::bytes::Bytes;
use crate::error::Hint;
use crate::invocation::quote;

/// What is added to an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Advice {
    /// Stable name of the fault, in kebab-case; scripts match on it, so it never changes.
    pub(crate) kind: &'static str,
    /// The file or folder at fault.
    pub(crate) path: Option<PathBuf>,
    /// Causes that the error's own chain does not tell.
    pub(crate) causes: Vec<String>,
    /// How things stand now.
    pub(crate) aftermath: Option<String>,
    /// The last lines of whatever failed, in its own words.
    pub(crate) said: Vec<String>,
    /// What to type next; may be empty.
    pub(crate) hints: Vec<Hint>,
}

impl Advice {
    /// A kind, and nothing to add.
    fn new(kind: &'static str) -> Self {
        Self { kind, path: None, causes: Vec::new(), aftermath: None, said: Vec::new(), hints: Vec::new() }
    }

    /// Names the file or folder at fault.
    fn at(self, path: &Path) -> Self {
        Self { path: Some(path.to_owned()), ..self }
    }

    /// A kind, and what to type next.
    fn with(kind: &'static str, hints: impl Into<Vec<Hint>>) -> Self {
        Self { hints: hints.into(), ..Self::new(kind) }
    }
}

/// Advises on any error.
pub(crate) fn advise(error: &Error) -> Advice {
    match error {
        Error::Oci(fault) => oci::advise(fault),
        Error::Repo(fault) => repo::advise(fault),
        Error::Login(fault) => login::advise(fault),
        Error::Ledger(fault) => ledger::advise(fault),
        Error::Project(fault) => project::advise(fault),
        Error::Bundle(fault) => bundle::advise(fault),
        Error::List(fault) => list::advise(fault),
        Error::Export(fault) => export::advise(fault),
        Error::Push(fault) => push::advise(fault),
        Error::Search(fault) => search::advise(fault),
        Error::Meta(fault) => meta::advise(fault),
        Error::Hook(fault) => hook::advise(fault),
        Error::Recipe(fault) => engine::recipe(fault),
        Error::EngineSettings(fault) => engine::settings(fault),
        Error::EngineArchive(fault) => engine::archive(fault),
        Error::Plugin(fault) => engine::plugin(fault),
        Error::Input(fault) => download::input(fault),
        Error::Repository(fault) => repository::advise(fault),
        Error::Place(fault) => repository::place(fault),
        Error::Docker(fault) => docker::advise(fault),
        Error::Build(fault) => build::advise(fault),
        Error::NotAnApp { .. } => Advice::new("no-app"),
        Error::Rule(fault) => change::rule(fault),
        Error::Rules(faults) => change::rules(faults),
        Error::NoRoom { place, needed, free } => no_room(place, *needed, *free),
        Error::NoPromise { .. } => {
            Advice::with("not-streamed", [Hint::Advice("save it to a file and import that".into())])
        }
        Error::Failed(failed) => change::failed(failed),
        Error::Paused(paused) => change::paused(paused),
        Error::UnreadablePlan { .. } => {
            Advice::with("plan-newer", [Hint::Advice("finish it with the dam that began it".into())])
        }
        Error::BegunInOtherStore { was, now, .. } => {
            other_store(was, now, |flag| Hint::Command(format!("dam verify {flag}"), "undoes it there"))
        }
        Error::InOtherStore { was, now, .. } => {
            other_store(was, now, |flag| Hint::Again { before: "", after: flag, note: "" })
        }
        Error::NotOneApp { path, .. } => {
            let command = format!("dam info {}", quote(&path.display().to_string()));
            Advice::with("not-one-app", [Hint::Command(command, "lists them")]).at(path)
        }
        Error::Name(_) => Advice::new("bad-name"),
        Error::Package(fault) => package::advise(fault),
        Error::Install(fault) => install::advise(fault),
        Error::Check(fault) => package::check(fault),
        Error::Access { path, source } => access(path, source),
        Error::Exposed { path, mode, .. } => exposed(path, *mode),
        Error::NoImage(_) => {
            Advice::with("no-image", [Hint::Command("dam verify".into(), "compares what is installed with the store")])
        }
        Error::NoTag(reference) => Advice::with("no-image", [fetch::from_file(reference)]),
        Error::Unfetched(fault) => fetch::unfetched(fault),
        Error::Absent(fault) => fetch::absent(fault),
        Error::Offline(_) => fetch::offline_wanted(),
        Error::FetchedAnother { .. } => Advice::new("other-image-fetched"),
        Error::ImageInUse { id, .. } => {
            let command = format!("docker ps --all --filter ancestor={}", id.0.short());
            Advice::with("image-in-use", [Hint::Command(command, "lists the containers")])
        }
        Error::CannotPull { .. } => {
            Advice::with("cannot-pull", [Hint::Again { before: "", after: "--store docker", note: "pulls it" }])
        }
        Error::Cancelled => Advice::new("interrupted"),
    }
}

/// Advises on what is in a store of another kind, by the flag that chooses that.
fn other_store(was: &str, now: &str, hint: impl FnOnce(&'static str) -> Hint) -> Advice {
    let hint = match store_flag(was, now) {
        Some(flag) => hint(flag),
        None => Hint::Advice(format!("set DOCKER_HOST to the socket of {was}")),
    };
    Advice::with("other-store", [hint])
}

fn no_room(place: &Path, needed: u64, free: u64) -> Advice {
    let hint = Hint::Command("dam purge".into(), "removes images that no app needs");
    let causes = vec![format!("{} are needed at the most, {} are free", Bytes(needed), Bytes(free))];
    Advice { causes, ..Advice::with("no-room", [hint]).at(place) }
}

/// Returns the flag that chooses a store of the kind `was` where one of the kind `now` is chosen. None where both are
/// engines: the flag does not tell them apart.
pub(crate) fn store_flag(was: &str, now: &str) -> Option<&'static str> {
    match (was, now) {
        ("layout", _) => Some("--store layout"),
        (_, "layout") => Some("--store docker"),
        _ => None,
    }
}

/// Advises on state that others may change. Where the mode is good, the owner is not.
fn exposed(path: &Path, mode: u32) -> Advice {
    let hint = match mode & 0o022 {
        0 => Hint::Advice("choose a folder of your own with --root".into()),
        _ => Hint::Command(format!("chmod 700 {}", quote(&path.display().to_string())), "keeps others out"),
    };
    Advice::with("exposed", [hint]).at(path)
}

/// Advises on a full disk.
fn disk_full() -> Advice {
    Advice::with("disk-full", [Hint::Command("dam purge --dry-run".into(), "says what dam could give up")])
}

/// Advises on what the system said of a file.
pub(crate) fn access(path: &Path, source: &io::Error) -> Advice {
    let (kind, hints) = match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => return disk_full().at(path),
        io::ErrorKind::NotFound => ("not-found", vec![]),
        io::ErrorKind::PermissionDenied => {
            ("permission-denied", vec![Hint::Again { before: "sudo", after: "", note: "" }])
        }
        io::ErrorKind::ReadOnlyFilesystem => ("read-only", vec![]),
        io::ErrorKind::FileTooLarge => (
            "file-too-large",
            vec![Hint::Again { before: "", after: "--split 4GB", note: "FAT knows no file of 4 GiB" }],
        ),
        _ => ("access", vec![]),
    };
    Advice::with(kind, hints).at(path)
}

#[cfg(test)]
mod tests {
    use dam_core::Error;

    use super::{Hint, advise};

    #[test]
    fn an_operation_of_another_store_names_the_flag_that_leads_there() {
        let hints = |was: &str, now: &str| {
            let title = "upgrade of shop 1 to 2".to_owned();
            advise(&Error::BegunInOtherStore { title, was: was.to_owned(), now: now.to_owned() }).hints
        };
        let there = |command: &str| [Hint::Command(command.to_owned(), "undoes it there")];
        assert_eq!(hints("docker", "layout"), there("dam verify --store docker"));
        assert_eq!(hints("layout", "podman"), there("dam verify --store layout"));
        assert_eq!(hints("podman", "docker"), [Hint::Advice("set DOCKER_HOST to the socket of podman".to_owned())]);
    }

    #[test]
    fn kinds_are_stable() {
        let kind = |error: Error| advise(&error).kind;
        assert_eq!(kind(Error::Cancelled), "interrupted");
        assert_eq!(kind(dam_oci::Error::damaged("x", "y").into()), "damaged");
        assert_eq!(kind("A".parse::<dam_core::app::AppName>().expect_err("capital").into()), "bad-name");
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        assert_eq!(kind(Error::access("/x")(full)), "disk-full");
    }
}
