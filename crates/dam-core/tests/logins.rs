//! Logins of `docker login` and its kin, with real programs as helpers.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dam_core::repo::{DockerLogins, Logins};
use dam_core::{Cancel, Error};
use dam_oci::registry::{Credentials, Secret};
use proptest::prelude::{any, prop, proptest};
use serde_json::json;

/// A home with files of logins and a folder of helpers.
struct Bench {
    folder: tempfile::TempDir,
    cancel: Cancel,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("bin")).expect("a folder");
        Self { folder, cancel: Cancel::default() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes `config.json` of Docker.
    fn docker(self, content: serde_json::Value) -> Self {
        self.file("config.json", content.to_string())
    }

    /// Writes `auth.json` of containers' tools.
    fn containers(self, content: serde_json::Value) -> Self {
        self.file("auth.json", content.to_string())
    }

    fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        fs::write(self.path(name), content).expect("writable");
        self
    }

    /// Installs a helper, which notes what it is asked in `asked`.
    fn helper(self, name: &str, script: &str) -> Self {
        let asked = self.path("asked").display().to_string();
        let file = format!("bin/docker-credential-{name}");
        let script = format!("#!/bin/sh\nread -r server\necho \"$1 $server\" >>{asked}\n{script}\n");
        let bench = self.file(&file, script);
        fs::set_permissions(bench.path(&file), fs::Permissions::from_mode(0o755)).expect("ours");
        bench
    }

    fn asked(&self) -> String {
        fs::read_to_string(self.path("asked")).unwrap_or_default()
    }

    fn try_find(&self, host: &str, path: &str) -> Result<Option<Credentials>, Error> {
        let files = vec![self.path("config.json"), self.path("auth.json")];
        let folders = vec![PathBuf::from("relative"), self.path("none"), self.path("bin")];
        DockerLogins::new(files, folders, self.cancel.clone())
            .with_patience(Duration::from_millis(1500))
            .find(host, path)
    }

    fn find(&self, host: &str, path: &str) -> Option<Credentials> {
        self.try_find(host, path).expect("found out")
    }

    fn fault(&self, host: &str) -> String {
        let error = self.try_find(host, "").expect_err("a fault");
        let chain = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
        let text = chain.map(ToString::to_string).collect::<Vec<_>>().join("; ");
        text.replace(&self.folder.path().display().to_string(), "DIR")
    }
}

fn encoded(text: &str) -> String {
    STANDARD.encode(text)
}

fn login(username: &str, password: &str) -> Option<Credentials> {
    Some(Credentials::Password { username: username.to_owned(), password: Secret::new(password) })
}

fn token(text: &str) -> Option<Credentials> {
    Some(Credentials::IdentityToken(Secret::new(text)))
}

#[test]
fn nobody_is_logged_in_without_files() {
    assert_eq!(Bench::new().find("plant:5000", "shop"), None);
    assert_eq!(Bench::new().file("config.json", " \n").find("plant:5000", ""), None);
    assert_eq!(Bench::new().docker(json!({ "auths": { "plant:5000": {} } })).find("plant:5000", ""), None);
}

#[test]
fn logins_are_found_by_every_spelling() {
    let bench = Bench::new().docker(json!({ "auths": {
        "plant:5000": { "auth": encoded("robin:s3:cret") },
        "https://old.plant/v1/": { "auth": encoded("old:x").trim_end_matches('=') },
        "https://index.docker.io/v1/": { "auth": encoded("hub:y\0\0") },
        "token.plant": { "auth": encoded("<token>:"), "identitytoken": "kept" },
        "plain.plant": { "username": "plain", "password": "z" },
    } }));
    assert_eq!(bench.find("plant:5000", "shop"), login("robin", "s3:cret"));
    assert_eq!(bench.find("old.plant", ""), login("old", "x"));
    assert_eq!(bench.find("docker.io", "library/nginx"), login("hub", "y"));
    assert_eq!(bench.find("token.plant", ""), token("kept"));
    assert_eq!(bench.find("plain.plant", ""), login("plain", "z"));
    assert_eq!(bench.find("plant:5001", ""), None);
}

#[test]
fn the_longest_path_wins() {
    let entry = |user: &str| json!({ "auth": encoded(&format!("{user}:x")) });
    let bench = Bench::new().containers(json!({ "auths": {
        "plant:5000": entry("all"),
        "plant:5000/team/a": entry("a"),
        "plant:5000/team": entry("team"),
        "docker.io": entry("hub"),
    } }));
    let user = |path: &str| bench.find("plant:5000", path);
    assert_eq!(user("team/a/shop"), login("a", "x"));
    assert_eq!(user("team/ab"), login("team", "x"));
    assert_eq!(user("teams"), login("all", "x"));
    assert_eq!(user(""), login("all", "x"));
    assert_eq!(bench.find("docker.io", "shop"), login("hub", "x"));
}

#[test]
fn docker_comes_before_containers() {
    let bench = Bench::new()
        .docker(json!({ "auths": { "plant:5000": { "auth": encoded("docker:x") }, "empty:1": {} } }))
        .containers(json!({ "auths": {
            "plant:5000": { "auth": encoded("podman:x") }, "empty:1": { "auth": encoded("podman:x") },
        } }));
    assert_eq!(bench.find("plant:5000", ""), login("docker", "x"));
    assert_eq!(bench.find("empty:1", ""), login("podman", "x"));
}

#[test]
fn helpers_are_asked_by_pipe() {
    let bench = Bench::new()
        .helper("own", r#"echo '{"ServerURL":"x","Username":"own","Secret":"s3cret"}'"#)
        .helper("all", r#"echo '{"Username":"<token>","Secret":"long"}'"#)
        .docker(json!({ "credsStore": "all", "credHelpers": { "plant:5000": "own" }, "auths": { "plant:5000": {} } }));
    assert_eq!(bench.find("plant:5000", "shop"), login("own", "s3cret"));
    assert_eq!(bench.find("other:5000", ""), token("long"));
    assert_eq!(bench.find("docker.io", "shop"), token("long"));
    assert_eq!(bench.asked(), "get plant:5000\nget other:5000\nget https://index.docker.io/v1/\n");
}

#[test]
fn a_helper_that_knows_nothing_is_no_fault() {
    let bench = Bench::new()
        .helper("all", "echo 'credentials not found in native keychain'; exit 1")
        .docker(json!({ "credsStore": "all", "auths": { "plant:5000": { "auth": encoded("robin:x") } } }));
    assert_eq!(bench.find("plant:5000", ""), login("robin", "x"));
    assert_eq!(bench.find("docker.io", ""), None);
    assert_eq!(bench.asked(), "get plant:5000\nget https://index.docker.io/v1/\nget docker.io\n");
}

#[test]
fn faults_of_helpers_are_told_without_secrets() {
    let fault =
        |name: &str, script: &str| Bench::new().helper("x", script).docker(json!({ "credsStore": name })).fault("a:1");
    assert_eq!(fault("y", ""), "the credential helper `docker-credential-y` is not there");
    assert_eq!(fault("../x", ""), "`../x` in `DIR/config.json` names no credential helper");
    let program = "the credential helper `DIR/bin/docker-credential-x`";
    assert_eq!(fault("x", "echo 'no \u{1b}[1mkey'; exit 2"), format!("{program} says nothing of `a:1`: no [1mkey"));
    assert_eq!(fault("x", r#"echo '{"Secret":"s3cret"}'; exit 2"#), format!("{program} says nothing of `a:1`"));
    assert_eq!(
        fault("x", r#"echo '{"Username":5,"Secret":"s3cret"}'"#),
        format!("{program} answered with something else than a login")
    );
    assert_eq!(fault("x", "echo s3cret"), format!("{program} answered with something else than a login"));
}

#[test]
fn a_helper_that_hangs_is_ended() {
    for script in ["sleep 60", "sleep 60 &\nexit 0", "exec >&-; sleep 60"] {
        let bench = Bench::new().helper("x", script).docker(json!({ "credsStore": "x" }));
        let begun = Instant::now();
        assert!(bench.fault("a:1").ends_with("docker-credential-x` said nothing for 1.5 s"), "{script}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{script}");
    }
    let bench = Bench::new().helper("x", "sleep 60").docker(json!({ "credsStore": "x" }));
    bench.cancel.flag().store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(bench.fault("a:1"), "interrupted");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let fault = |content: &str| Bench::new().file("config.json", content).fault("plant:5000");
    assert!(fault("{ s3cret").starts_with("the logins in `DIR/config.json` cannot be read; key must be a string"));
    assert_eq!(
        fault(r#"{"auths":{"plant:5000":{"auth":"s3cret!"}}}"#),
        "the login for `plant:5000` in `DIR/config.json` is no base64 of `user:password`"
    );
    assert_eq!(fault(&" ".repeat(2 << 20)), "the logins in `DIR/config.json` are longer than 1048576 bytes");
}

proptest! {
    #[test]
    fn no_settings_panic_and_none_are_quoted(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let bench = Bench::new().file("config.json", bytes);
        let _ = bench.try_find("plant:5000", "shop");
    }

    #[test]
    fn entries_of_any_shape_are_not_quoted(auth in "[a-zA-Z0-9+/=]{8,40}", number in any::<i64>()) {
        let entries = [json!({ "auth": auth }), json!({ "auth": number }), json!(auth), json!([auth]), json!({ "auth": [auth] })];
        for entry in entries {
            let bench = Bench::new().docker(json!({ "auths": { "plant:5000": entry }, "credHelpers": [auth] }));
            match bench.try_find("plant:5000", "shop") {
                Ok(found) => assert!(!format!("{found:?}").contains(&auth)),
                Err(_) => assert!(!bench.fault("plant:5000").contains(&auth)),
            }
        }
    }
}
