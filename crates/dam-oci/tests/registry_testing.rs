//! The registries of the tests are what they promise to be. What speaks to them here is `skopeo`, which is older than dam.

use std::process::{Command, Output};

use dam_oci::testing::registry::{PASSWORD, Prefix, PrivateRegistry, RegistryBuilder, USER};
use dam_oci::testing::{ImageBuilder, MemoryImage};
use dam_oci::{Digest, Image};

fn image() -> MemoryImage {
    ImageBuilder::app().label("DAM_APP_FAMILY", "shop").build()
}

/// Asks `skopeo` for the digest of an image.
fn digest(registry: &PrivateRegistry, name: &str, words: &[&str]) -> Output {
    let mut command = Command::new("skopeo");
    command.args(["inspect", "--format", "{{.Digest}}"]).args(words);
    command.arg(format!("docker://{}/{name}", registry.server()));
    command.output().expect("`skopeo` is not installed; `make test` installs it")
}

fn found(output: &Output) -> Digest {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("a digest")
}

#[test]
fn an_open_registry_serves_all() {
    let registry = RegistryBuilder::new().start().expect("a registry");
    registry.put(&image(), "team/shop:1.0").expect("put");
    let digest = found(&digest(&registry, "team/shop:1.0", &["--tls-verify=false"]));
    assert_eq!(digest, Digest::of(image().manifest_bytes()));
}

#[test]
fn logins_and_tokens_are_asked_for() {
    for kind in [RegistryBuilder::new().login(), RegistryBuilder::new().tokens()] {
        let registry = kind.start().expect("a registry");
        registry.put(&image(), "shop:1.0").expect("put");
        registry.put(&image(), "public/shop:1.0").expect("put");
        let plain = ["--tls-verify=false"];
        let stranger = digest(&registry, "shop:1.0", &plain);
        assert!(!stranger.status.success());
        let user = format!("{USER}:{PASSWORD}");
        found(&digest(&registry, "shop:1.0", &[plain[0], "--creds", &user]));
        assert!(!digest(&registry, "shop:1.0", &[plain[0], "--creds", "robin:wrong"]).status.success());
        if let Some(tokens) = registry.tokens() {
            found(&digest(&registry, "public/shop:1.0", &plain));
            assert!(tokens.requests().iter().all(|request| request.path.starts_with("/token?")));
        }
    }
}

#[test]
fn tls_has_an_authority_of_its_own_and_may_want_to_know_the_client() {
    for kind in [RegistryBuilder::new().tls(), RegistryBuilder::new().client_certificates()] {
        let registry = kind.start().expect("a registry");
        registry.put(&image(), "shop:1.0").expect("put");
        assert!(!digest(&registry, "shop:1.0", &[]).status.success());
        let folder = tempfile::tempdir().expect("a folder");
        let keep = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
        keep("ca.crt", registry.ca().expect("an authority"));
        let access = registry.access();
        let certificates = folder.path().to_str().expect("UTF-8");
        if let Some(client) = access.client {
            assert!(!digest(&registry, "shop:1.0", &["--cert-dir", certificates]).status.success());
            keep("client.cert", &client.chain);
            keep("client.key", client.key.reveal());
        }
        found(&digest(&registry, "shop:1.0", &["--cert-dir", certificates]));
    }
}

#[test]
fn prefixes_stand_before_or_after_the_api() {
    let registry = RegistryBuilder::new().behind(Prefix::AfterApi).start().expect("a registry");
    registry.put(&image(), "shop:1.0").expect("put");
    found(&digest(&registry, "shop:1.0", &["--tls-verify=false"]));

    // No other client reaches this one.
    let registry = RegistryBuilder::new().behind(Prefix::BeforeApi).start().expect("a registry");
    registry.put(&image(), "shop:1.0").expect("put");
    let get = |path: &str| {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let answer = agent.get(format!("http://{}{path}", registry.host())).call().expect("an answer");
        answer.status().as_u16()
    };
    assert_eq!(["/v2/", "/plant/v2/", "/plant/v2/shop/tags/list"].map(get), [404, 200, 200]);
}
