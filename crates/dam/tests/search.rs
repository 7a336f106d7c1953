//! `dam search`, through the program: words, rows and documents of the same outcome.

mod support;

use dam_core::ledger::Ledger;
use dam_core::repo::{Repo, rules};
use dam_oci::testing::registry::{PrivateRegistry, RegistryBuilder, ScriptedServer};
use snapbox::str;
use support::Dam;

/// A registry with an app of many versions, one without a version, and another.
fn plant() -> PrivateRegistry {
    let registry = RegistryBuilder::new().in_memory().start().expect("a registry");
    let tags = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let mongodb = "3.6.20 3.6.9 3.6.23 latest 3.4.1 3.4.2 2.6.0";
    let shelves = [("mongodb", mongodb), ("tools/mongo-dump", "v1.9 v1.10"), ("shop", "1.0"), ("mongo-empty", "1")];
    registry.shelve(&shelves.map(|(name, text)| (name.to_owned(), tags(text)))).expect("shelved");
    registry.forget("mongo-empty", "1").expect("it is there");
    registry
}

/// A dam that knows registries by name; Docker Hub is one that is down.
fn dam(repos: &[(&str, &str)]) -> Dam {
    let dam = Dam::new().online().variable("DAM_DOCKER_HUB", "http://127.0.0.1:9");
    let mut ledger = Ledger::open(&dam.root()).expect("a ledger");
    for (name, server) in repos {
        let repo = Repo::new(name.parse().expect(name), server.parse().expect(server));
        ledger.change_repos(|repos| rules::add(repos, repo)).expect("added");
    }
    dam
}

#[test]
fn names_are_shown_with_their_newest_versions() {
    let plant = plant();
    let dam = dam(&[("plant", &plant.host())]);
    dam.run("search mongo --repo plant").success().no_stderr().stdout(str![[r#"
plant/mongo-empty               no versions
plant/mongodb                   3.6.23, 3.6.20, 3.6.9, 3.4.2, 3.4.1 … 2 more
plant/tools/mongo-dump          v1.10, v1.9

"#]]);
    dam.run("se MONGODB --repo 2 --versions 1").success().no_stderr().stdout(str![[r#"
plant/mongodb                   3.6.23 … 6 more

"#]]);
    dam.run("search --repo plant --versions 0").success().no_stderr().stdout(str![[r#"
plant/mongo-empty
plant/mongodb
plant/shop
plant/tools/mongo-dump

"#]]);
    dam.run("search mongo --repo plant --raw --versions 2").success().no_stderr().stdout(str![[r#"
plant;plant/mongo-empty;
plant;plant/mongodb;3.6.23
plant;plant/mongodb;3.6.20
plant;plant/tools/mongo-dump;v1.10
plant;plant/tools/mongo-dump;v1.9

"#]]);
    dam.run("search nothing --repo plant").success().stdout("").stderr("nothing was found for `nothing`\n");
}

#[test]
fn machines_get_one_document_with_all_versions() {
    let plant = plant();
    let dam = dam(&[("plant", &plant.host())]);
    let document = dam.run("search mongodb --repo plant --json").success().no_stderr().json();
    let versions = ["3.6.23", "3.6.20", "3.6.9", "3.4.2", "3.4.1", "2.6.0", "latest"];
    let found = serde_json::json!({ "repo": "plant", "name": "plant/mongodb", "versions": versions, "more": 0 });
    assert_eq!(document, serde_json::json!({ "found": [found], "notes": [], "errors": [] }));
}

#[test]
fn a_repo_that_is_down_is_told_and_the_others_answer() {
    let plant = plant();
    let dam = dam(&[("plant", &plant.host()), ("down", "127.0.0.1:9")]);
    dam.run("search --versions 0")
        .code(1)
        .stdout(str![[r#"
plant/mongo-empty
plant/mongodb
plant/shop
plant/tools/mongo-dump

"#]])
        .stderr(str![[r#"
`official` was not asked: Docker Hub cannot list everything; it needs a word to search for
error: `down` cannot be searched
caused by: 127.0.0.1:9: cannot list the repositories
caused by: cannot be reached
caused by: Connection refused (os error 111)
hint: dam listrepos --check   asks every registry

"#]]);
    let document = dam.run("search shop --json").code(1).json();
    assert_eq!(document["found"][0]["name"], "plant/shop");
    assert_eq!(document["errors"].as_array().expect("errors").len(), 2, "{document}");
    assert_eq!(document["errors"][1]["message"], "`down` cannot be searched");
}

#[test]
fn docker_hub_alone_needs_a_word() {
    let dam = dam(&[]);
    dam.run("search").code(1).stdout("").stderr(str![[r#"
error: Docker Hub cannot list everything; it needs a word to search for
hint: dam search mongo

"#]]);
    dam.run("search m --all-repos").code(1).stdout("").stderr(str![[r#"
error: Docker Hub searches for words of 2 to 100 letters, and `m` is none
hint: dam search mongo

"#]]);
    dam.run("search mongo:3").code(2).stdout("").stderr(str![[r#"
error: `mongo:3` is no part of a name: letters, digits, `.`, `-`, `_` and `/`
hint: dam search --help

"#]]);
    dam.run("search x --repo nowhere").failure().said("nowhere");
}

#[test]
fn what_a_registry_writes_does_nothing_to_a_terminal() {
    let evil = ScriptedServer::start(|request, answer| match request.path.split('?').next() {
        Some("/v2/") => answer.send(200, &[], "{}"),
        Some("/v2/_catalog") => answer.send(200, &[], r#"{"repositories":["good","ev\u001b[2Jil","b\u009b2J"]}"#),
        Some("/v2/good/tags/list") => answer.send(200, &[], r#"{"tags":["1.0","2\u001b]0;x\u0007","\u202e3"]}"#),
        _ => answer.send(500, &[], r#"{"errors":[{"code":"X","message":"\u001b[2Jno"}]}"#),
    })
    .expect("a port");
    let dam = dam(&[("evil", &evil.host())]);
    dam.run("search --repo evil").success().no_stderr().stdout("evil/good                       1.0\n");
}

#[test]
fn nobody_is_asked_offline() {
    Dam::new().run("search mongo").code(1).stdout("").stderr(str![[r#"
error: no registry is asked: dam is set to be offline
hint: DAM_OFFLINE=0 dam search mongo   asks all the same

"#]]);
}
