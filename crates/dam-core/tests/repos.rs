//! The rules of repos, and the ledger that keeps them.

use std::fs;
use std::path::{Path, PathBuf};

use dam_core::Error;
use dam_core::ledger::{FILE, Ledger};
use dam_core::ops::addrepo::{self, AddRepo};
use dam_core::ops::modifyrepo::{self, ModifyRepo};
use dam_core::ops::removerepo;
use dam_core::repo::rules::{self, RepoChanges};
use dam_core::repo::{Repo, RepoFault, RepoId};
use dam_oci::registry::{Secret, Server};
use dam_oci::testing::registry::Authority;

fn repo(name: &str, server: &str) -> Repo {
    Repo::new(name.parse().expect("a name"), server.parse().expect("a server"))
}

fn id(text: &str) -> RepoId {
    text.parse().expect("a number or a name")
}

/// Docker Hub, `plant` as the default with a login, and `team`.
fn three() -> Vec<Repo> {
    let hub = Repo { is_default: false, ..Repo::docker_hub() };
    let login = (Some("robin".to_owned()), Some(Secret::new("s3cret")));
    let plant = Repo { id: 2, is_default: true, username: login.0, password: login.1, ..repo("plant", "plant:5000") };
    vec![hub, plant, Repo { id: 5, ..repo("team", "plant:5000/team") }]
}

/// Shows repos: number, `*` for the default, name.
fn shown(repos: &[Repo]) -> String {
    let row = |repo: &Repo| format!("{}{}{}", repo.id, if repo.is_default { "*" } else { " " }, repo.name);
    repos.iter().map(row).collect::<Vec<_>>().join(", ")
}

fn fault<T: std::fmt::Debug>(ruled: Result<T, RepoFault>) -> String {
    ruled.expect_err("refused").to_string()
}

fn modify(wanted: &str, changes: RepoChanges) -> Result<Vec<Repo>, RepoFault> {
    rules::modify(&three(), &id(wanted), changes)
}

#[test]
fn a_new_repo_may_become_the_default() {
    let added = rules::add(&three(), repo("new", "new:1")).expect("good");
    assert_eq!(shown(&added), "1 official, 2*plant, 5 team, 0 new");
    let added = rules::add(&three(), Repo { is_default: true, ..repo("new", "new:1") }).expect("good");
    assert_eq!(shown(&added), "1 official, 2 plant, 5 team, 0*new");
}

#[test]
fn what_could_not_work_is_not_added() {
    let refused = |change: &dyn Fn(&mut Repo)| {
        let mut new = repo("new", "new:1");
        change(&mut new);
        fault(rules::add(&three(), new))
    };
    assert_eq!(refused(&|new| new.name = "Plant".parse().expect("good")), "repo 2 is called `plant` already");
    assert_eq!(
        refused(&|new| new.password = Some(Secret::new("x"))),
        "repo `new` has no user to whom the password could belong"
    );
    assert_eq!(
        refused(&|new| new.username = Some("a:b".into())),
        "`a:b` is no user of a registry: it has a `:` or a control character in it"
    );
    let plain: Server = "http://new:1".parse().expect("good");
    assert_eq!(
        refused(&|new| new.server = plain.clone()),
        "`http://new:1` is spoken to by plain http, which is not secure"
    );
    assert_eq!(
        refused(&|new| new.mirror_of = Some("https://new:1".parse().expect("good"))),
        "`new:1` cannot be a mirror of itself"
    );
    assert!(rules::add(&three(), Repo { insecure: true, ..repo("new", "http://new:1") }).is_ok());
    assert!(rules::add(&three(), repo("new", "http://localhost:1")).is_ok(), "loopback is safe");
}

#[test]
fn the_default_moves_and_falls_back_to_docker_hub() {
    let default = |wanted, is_default| {
        shown(&modify(wanted, RepoChanges { is_default: Some(is_default), ..RepoChanges::default() }).expect("good"))
    };
    assert_eq!(default("team", true), "1 official, 2 plant, 5*team");
    assert_eq!(default("1", true), "1*official, 2 plant, 5 team");
    assert_eq!(default("plant", false), "1*official, 2 plant, 5 team");
    assert_eq!(default("team", false), "1 official, 2*plant, 5 team");
    assert_eq!(fault(rules::remove(&three(), &id("plant"), false)), "repo `plant` is the default");
    assert_eq!(shown(&rules::remove(&three(), &id("2"), true).expect("forced")), "1*official, 5 team");
    assert_eq!(shown(&rules::remove(&three(), &id("team"), false).expect("good")), "1 official, 2*plant");
}

#[test]
fn docker_hub_stays() {
    let refused = "repo 1 is Docker Hub, which is built in and cannot be removed";
    for wanted in ["1", "official"] {
        assert_eq!(fault(rules::remove(&three(), &id(wanted), true)), refused);
    }
    let none = RepoChanges::default;
    let refused = |changes| fault(modify("1", changes));
    assert_eq!(
        refused(RepoChanges { name: Some("hub".parse().expect("good")), ..none() }),
        "repo 1 is Docker Hub: its name cannot be changed"
    );
    assert_eq!(
        refused(RepoChanges { server: Some("x:1".parse().expect("good")), ..none() }),
        "repo 1 is Docker Hub: its server cannot be changed"
    );
    assert_eq!(
        refused(RepoChanges { insecure: Some(true), ..none() }),
        "repo 1 is Docker Hub: its security cannot be changed"
    );
    let login = RepoChanges {
        username: Some(Some("me".into())),
        password: Some(Some(Secret::new("x"))),
        ca: Some(Some("PEM".into())),
        insecure: Some(false),
        ..none()
    };
    assert_eq!(modify("1", login).expect("a login is good")[0].username.as_deref(), Some("me"));
}

#[test]
fn every_field_changes_and_is_cleared() {
    let all = RepoChanges {
        name: Some("new".parse().expect("good")),
        server: Some("new:1".parse().expect("good")),
        username: Some(Some("somebody".into())),
        password: Some(Some(Secret::new("else"))),
        ca: Some(Some("CA".into())),
        insecure: Some(true),
        mirror_of: Some(Some(Server::docker_hub())),
        ..RepoChanges::default()
    };
    let changed = modify("team", all).expect("good").pop().expect("three");
    let expected = Repo {
        id: 5,
        username: Some("somebody".into()),
        password: Some(Secret::new("else")),
        ca: Some("CA".into()),
        insecure: true,
        mirror_of: Some(Server::docker_hub()),
        ..repo("new", "new:1")
    };
    assert_eq!(changed, expected);
    let none = RepoChanges {
        username: Some(None),
        ca: Some(None),
        insecure: Some(false),
        mirror_of: Some(None),
        ..RepoChanges::default()
    };
    let cleared = rules::modify(&[Repo::docker_hub(), changed], &id("5"), none).expect("good").pop().expect("two");
    assert_eq!(cleared, Repo { id: 5, ..repo("new", "new:1") });
}

#[test]
fn a_password_belongs_to_its_user() {
    let user = |name: Option<&str>| RepoChanges { username: Some(name.map(str::to_owned)), ..RepoChanges::default() };
    let password = |changes| modify("plant", changes).expect("good")[1].password.clone();
    assert_eq!(password(user(Some("robin"))), Some(Secret::new("s3cret")));
    assert_eq!(password(user(Some("other"))), None);
    assert_eq!(password(user(None)), None);
    assert_eq!(password(RepoChanges { password: Some(None), ..RepoChanges::default() }), None);
}

#[test]
fn names_and_numbers_are_told_apart() {
    assert_eq!(fault(rules::find(&three(), &id("7"))), "there is no repo `7`");
    assert_eq!(rules::find(&three(), &id("5")).expect("team").name.as_str(), "team");
    for bad in ["", "a/b", "-1", "99999999999", "plant:5000"] {
        assert!(bad.parse::<RepoId>().is_err(), "{bad}");
    }
}

/// A ledger, and files beside it.
struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn ledger(&self) -> Ledger {
        Ledger::open(self.0.path()).expect("a ledger")
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).expect("writable");
        path
    }

    fn add(&self, name: &str, change: impl FnOnce(&mut AddRepo)) -> Result<Repo, Error> {
        let mut wish = AddRepo {
            name: name.parse().expect("a name"),
            server: "plant:5000".parse().expect("a server"),
            is_default: false,
            username: None,
            password: None,
            ca: None,
            client_cert: None,
            client_key: None,
            insecure: false,
            mirror_of: None,
        };
        change(&mut wish);
        addrepo::add(&mut self.ledger(), wish).map(|added| added.repo)
    }

    fn modify(&self, wanted: &str, change: impl FnOnce(&mut ModifyRepo)) -> modifyrepo::RepoModified {
        let mut wish = ModifyRepo {
            repo: id(wanted),
            name: None,
            server: None,
            is_default: None,
            username: None,
            password: None,
            ca: None,
            client_cert: None,
            client_key: None,
            insecure: None,
            mirror_of: None,
        };
        change(&mut wish);
        modifyrepo::modify(&mut self.ledger(), wish).expect("modified")
    }

    fn shown(&self) -> String {
        shown(&self.ledger().repos().expect("readable"))
    }
}

#[test]
fn a_number_is_never_used_again() {
    let bench = Bench::new();
    assert_eq!(bench.shown(), "1*official");
    assert_eq!(bench.add("a", |_| ()).expect("added").id, 2);
    assert_eq!(bench.add("b", |wish| wish.is_default = true).expect("added").id, 3);
    let removed = removerepo::remove(&mut bench.ledger(), &id("b"), true).expect("removed");
    assert_eq!((removed.repo.id, removed.new_default.expect("Docker Hub").as_str()), (3, "official"));
    assert_eq!(bench.add("b", |_| ()).expect("added").id, 4);
    assert_eq!(bench.shown(), "1*official, 2 a, 4 b");
    let refused = bench.add("a", |_| ()).expect_err("taken");
    assert_eq!(refused.to_string(), "repo 2 is called `a` already");
    assert_eq!(bench.shown(), "1*official, 2 a, 4 b");
}

#[test]
fn what_is_modified_is_told() {
    let bench = Bench::new();
    bench.add("a", |_| ()).expect("added");
    assert!(!bench.modify("a", |wish| wish.is_default = Some(false)).changed);
    let modified = bench.modify("2", |wish| wish.is_default = Some(true));
    assert_eq!((modified.changed, modified.new_default.expect("it").as_str()), (true, "a"));
    let renamed = bench.modify("a", |wish| wish.name = Some("b".parse().expect("good")));
    assert_eq!((renamed.repo.name.as_str(), renamed.new_default), ("b", None));
}

#[test]
fn files_are_read_at_once_and_checked() {
    let bench = Bench::new();
    let authority = Authority::create(bench.0.path()).expect("openssl");
    let (client, other) = (authority.client().expect("a client"), authority.server().expect("another"));
    let [chain, key, other] = [("c.pem", &client.chain), ("c.key", &client.key), ("o.key", &other.key)]
        .map(|(name, text)| bench.file(name, text));
    let ca = bench.file("ca.pem", &format!("plant's own\n{}", authority.ca));
    let repo = bench
        .add("a", |wish| {
            (wish.ca, wish.client_cert, wish.client_key) = (Some(ca.clone()), Some(chain.clone()), Some(key.clone()));
        })
        .expect("good files");
    let kept = repo.client.expect("a client");
    assert_eq!((kept.chain, kept.key.reveal()), (client.chain.clone(), client.key.as_str()));
    assert!(repo.ca.expect("an authority").contains("BEGIN CERTIFICATE"));
    let cleared =
        bench.modify("a", |wish| (wish.ca, wish.client_cert, wish.client_key) = (Some(None), Some(None), Some(None)));
    assert_eq!((cleared.repo.ca, cleared.repo.client), (None, None));

    let refused = |change: &dyn Fn(&mut AddRepo)| {
        let error = bench.add("b", change).expect_err("refused").to_string();
        error.replace(&bench.0.path().display().to_string(), "DIR")
    };
    let bad = bench.file("bad.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let with = |path: &Path| Some(path.to_owned());
    assert_eq!(refused(&|wish| wish.ca = with(&key)), "`DIR/c.key` holds no certificate, PEM: there is none in it");
    assert!(refused(&|wish| wish.ca = with(&bad)).starts_with("`DIR/bad.pem` holds no certificate, PEM: "));
    assert_eq!(refused(&|wish| wish.ca = with(Path::new("/none"))), "cannot access `/none`");
    assert_eq!(
        refused(&|wish| wish.client_cert = with(&chain)),
        "repo `b` has only one of a client's certificate and its key"
    );
    assert_eq!(
        refused(&|wish| (wish.client_cert, wish.client_key) = (with(&chain), with(&other))),
        "the client's key of repo `b` does not belong to its certificate"
    );
    let locked =
        bench.file("locked.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
    assert_eq!(
        refused(&|wish| wish.client_key = with(&locked)),
        "`DIR/locked.key` holds no private key, PEM: it is encrypted"
    );
    let long = bench.file("long.pem", &"x".repeat(2 << 20));
    assert_eq!(
        refused(&|wish| wish.ca = with(&long)),
        "`DIR/long.pem` holds no certificate, PEM: it is longer than 1048576 bytes"
    );
    assert_eq!(bench.shown(), "1*official, 2 a");
}

#[test]
fn a_password_that_was_taken_away_is_gone() {
    let bench = Bench::new();
    let holds = |text: &str| {
        let bytes = fs::read(bench.0.path().join(FILE)).expect("readable");
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    };
    let repo = bench.add("a", |wish| {
        (wish.username, wish.password) = (Some("robin".into()), Some(Secret::new("s3cret-of-robin")));
    });
    assert!(holds("s3cret-of-robin"));
    let json = serde_json::to_string(&repo.expect("added")).expect("JSON");
    assert!(json.contains(r#""username":"robin","password_kept":true"#) && !json.contains("s3cret"), "{json}");
    bench.modify("a", |wish| wish.password = Some(None));
    assert!(!holds("s3cret-of-robin"));
}
