//! `dam search`, over real registries and a server that stands in for Docker Hub.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use dam_core::app::Version;
use dam_core::ops::search::{Found, Outcome, Query, SearchFault, Versions, search};
use dam_core::repo::{Logins, Registries, Repo};
use dam_core::{Cancel, Error, Result};
use dam_oci::registry::{Credentials, Network, Secret, TimeLimits};
use dam_oci::testing::registry::{
    Answer, PASSWORD, Prefix, PrivateRegistry, RegistryBuilder, Request, ScriptedServer, SlowProxy, USER,
};

struct Nobody;

impl Logins for Nobody {
    fn find(&self, _host: &str, _path: &str) -> Result<Option<Credentials>> {
        Ok(None)
    }
}

/// A repo of that number.
fn repo(id: u32, name: &str, server: &str) -> Repo {
    Repo { id, ..Repo::new(name.parse().expect(name), server.parse().expect(server)) }
}

fn registries(repos: Vec<Repo>) -> Registries {
    let limits = TimeLimits { silence: Duration::from_secs(1), tries: 1, ..TimeLimits::default() };
    Registries::new(repos, Box::new(Nobody), Network::default()).with_limits(limits)
}

/// Asks for names that `mask` is a part of, and their newest three versions.
fn query(mask: &str) -> Query {
    let mask = (!mask.is_empty()).then(|| mask.parse().expect(mask));
    Query { mask, limit: None, versions: Versions::Newest(3) }
}

/// Searches in the repos of these names.
fn try_search(registries: &Registries, repos: &[&str], query: &Query) -> Result<(Vec<Found>, Outcome)> {
    let repos: Vec<_> = registries.repos().iter().filter(|repo| repos.contains(&repo.name.as_str())).collect();
    let mut found = Vec::new();
    let outcome = search(registries, &repos, query, &Cancel::default(), |row| {
        found.push(row);
        true
    })?;
    assert_eq!(outcome.found, found.len());
    Ok((found, outcome))
}

/// The same, as lines of text, with all that is known beside them.
fn lines(registries: &Registries, repos: &[&str], query: &Query) -> Vec<String> {
    let (found, outcome) = try_search(registries, repos, query).expect("a search");
    let line = |row: &Found| match &row.versions {
        None => row.name.clone(),
        Some(versions) => {
            let versions: Vec<_> = versions.iter().map(Version::as_str).collect();
            format!("{}: {} +{}", row.name, versions.join(" "), row.more)
        }
    };
    let notes = outcome.notes.iter().map(|note| format!("note: {note}"));
    let fault = |error: &Error| {
        let chain = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
        let mut texts: Vec<_> = chain.map(ToString::to_string).collect();
        texts.dedup();
        texts.pop().expect("an error says something")
    };
    let faults = outcome.faults.iter().map(|missed| format!("{}: {}", missed.repo, fault(&missed.error)));
    found.iter().map(line).chain(notes).chain(faults).collect()
}

/// Stands in for Docker Hub: its search, its token server, and its registry with two tags a page.
fn hub() -> ScriptedServer {
    let listed = AtomicBool::new(false);
    let script = move |request: &Request, answer: &mut Answer| answer_as_hub(request, answer, &listed);
    ScriptedServer::start(script).expect("a port")
}

/// `listed` says whether the last tags of `mongo` are out. The Hub has had enough only then: nobody is asked any more after
/// that, and the two are asked at once.
fn answer_as_hub(request: &Request, answer: &mut Answer, listed: &AtomicBool) -> io::Result<()> {
    let host = request.header("host").unwrap_or_default().to_owned();
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let repository = path.strip_prefix("/v2/").and_then(|rest| rest.strip_suffix("/tags/list"));
    if let Some(repository) =
        repository.filter(|name| request.header("authorization") != Some(&*format!("Bearer {name}")))
    {
        let scope =
            format!("Bearer realm=\"http://{host}/token\",service=\"hub\",scope=\"repository:{repository}:pull\"");
        return answer.send(401, &[("www-authenticate", &scope)], "{}");
    }
    match path {
        "/v1/search" => {
            assert!(query.starts_with("q=mongo&n=25&page=1"), "{query}");
            answer.send(200, &[("content-type", "application/json")], HITS)
        }
        "/v2/" => answer.send(
            401,
            &[("www-authenticate", &format!("Bearer realm=\"http://{host}/token\",service=\"hub\""))],
            "{}",
        ),
        "/token" => {
            let name = query.split(['&', '=']).find_map(|part| part.strip_prefix("repository%3A"));
            let name = name.and_then(|rest| rest.strip_suffix("%3Apull")).unwrap_or_default().replace("%2F", "/");
            answer.send(200, &[("content-type", "application/json")], format!("{{\"token\":\"{name}\"}}"))
        }
        "/v2/library/mongo/tags/list" if query.contains("last=") => {
            let json = [("content-type", "application/json")];
            answer.send(200, &json, r#"{"name":"library/mongo","tags":["latest"]}"#)?;
            listed.store(true, Ordering::SeqCst);
            Ok(())
        }
        "/v2/library/mongo/tags/list" => {
            let next = "</v2/library/mongo/tags/list?last=8.0.1&n=2>; rel=\"next\"";
            let headers = [("content-type", "application/json"), ("link", next)];
            answer.send(200, &headers, r#"{"name":"library/mongo","tags":["8.0.0","8.0.1"]}"#)
        }
        "/v2/bitnami/mongodb/tags/list" => {
            let begun = Instant::now();
            while !listed.load(Ordering::SeqCst) && begun.elapsed() < Duration::from_secs(10) {
                thread::sleep(Duration::from_millis(5));
            }
            thread::sleep(Duration::from_millis(100));
            let headers =
                [("ratelimit-limit", "100;w=21600"), ("ratelimit-remaining", "0;w=21600"), ("retry-after", "900")];
            answer.send(
                429,
                &headers,
                r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your limit."}]}"#,
            )
        }
        _ => answer.send(404, &[], "{}"),
    }
}

/// What Docker Hub answers, best first; one name is none, and a description speaks to the terminal.
const HITS: &str = r#"{"num_pages":1,"num_results":3,"page":1,"page_size":25,"query":"mongo","results":[
{"name":"mongo","description":"MongoDB \u001b[2Jdocument databases","star_count":10000,"is_official":true,"is_trusted":false,"is_automated":false},
{"name":"evil\u001b]0;x\u0007","description":"","star_count":0,"is_official":false,"is_trusted":false,"is_automated":false},
{"name":"bitnami/mongodb","description":"Bitnami","star_count":200,"is_official":false,"is_trusted":false,"is_automated":false}]}"#;

/// A registry that lists nothing, refusing so with `status`, and has one repository.
fn without_catalog(status: u16) -> ScriptedServer {
    let script = move |request: &Request, answer: &mut Answer| match request.path.split('?').next() {
        Some("/v2/") => answer.send(200, &[], "{}"),
        Some("/v2/group/shop/tags/list") => answer.send(200, &[], r#"{"tags":["1.0"]}"#),
        Some("/v2/_catalog") => answer.send(status, &[], "{}"),
        _ => answer.send(404, &[], "{}"),
    };
    ScriptedServer::start(script).expect("a port")
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// A registry with a few things in it.
fn plant(builder: RegistryBuilder) -> PrivateRegistry {
    let registry = builder.in_memory().start().expect("a registry");
    let mongodb = "latest 3.6.9 3.6.20 v3.6.23 4.0-rc1".to_owned() + &format!(" sha256-{}.sig", "a".repeat(64));
    let repositories = [("mongodb", &*mongodb), ("a-b", "1"), ("a/b", "1"), ("tools/mongo-dump", "1.9 1.10")];
    let repositories = repositories.map(|(name, tags)| (name.to_owned(), words(tags)));
    registry.shelve(&repositories).expect("shelved");
    registry
}

#[test]
fn a_thousand_repositories_come_in_order_over_32_requests() {
    let registry = RegistryBuilder::new().in_memory().start().expect("a registry");
    let name = |number: usize| format!("{}/app-{number}", ["plant", "a", "b-c"][number % 3]);
    let tags = |number: usize| (0..20).map(|patch| format!("1.{number}.{patch}")).collect::<Vec<_>>();
    let mut repositories: Vec<_> = (0..1000).map(|number| (name(number), tags(number))).collect();
    registry.shelve(&repositories).expect("shelved");
    let proxy = SlowProxy::start(&registry.host(), Duration::from_millis(5)).expect("a proxy");

    let registries = registries(vec![repo(2, "plant", &proxy.host()), repo(3, "again", &proxy.host())]);
    let (found, outcome) = try_search(&registries, &["plant", "again"], &query("APP-")).expect("a search");
    assert!(outcome.faults.is_empty() && outcome.notes.is_empty(), "{outcome:?}");
    repositories.sort();
    let row = |repo: &str, (name, tags): &(String, Vec<String>)| Found {
        repo: repo.parse().expect(repo),
        name: format!("{repo}/{name}"),
        versions: Some(tags.iter().rev().take(3).map(|tag| tag.parse().expect(tag)).collect()),
        more: 17,
        hub: None,
    };
    let wanted = ["plant", "again"].into_iter().flat_map(|repo| repositories.iter().map(move |known| row(repo, known)));
    assert_eq!(found, wanted.collect::<Vec<_>>());
    assert_eq!(proxy.most_open(), 32);
}

#[test]
fn every_kind_of_registry_is_searched() {
    let kinds = [
        RegistryBuilder::new(),
        RegistryBuilder::new().login(),
        RegistryBuilder::new().tls(),
        RegistryBuilder::new().tokens().tls(),
        RegistryBuilder::new().behind(Prefix::AfterApi),
        RegistryBuilder::new().behind(Prefix::BeforeApi),
    ];
    for kind in kinds {
        let registry = plant(kind);
        let repo = Repo {
            username: Some(USER.to_owned()),
            password: Some(Secret::new(PASSWORD)),
            ca: registry.ca().map(str::to_owned),
            ..repo(2, "plant", &registry.server().to_string())
        };
        let registries = registries(vec![repo]);
        let rows = lines(&registries, &["plant"], &query("mongo"));
        assert_eq!(
            rows,
            ["plant/mongodb: 4.0-rc1 v3.6.23 3.6.20 +2", "plant/tools/mongo-dump: 1.10 1.9 +0"],
            "{kind:?}"
        );
    }
}

#[test]
fn docker_hub_is_searched_by_its_index() {
    let hub = hub();
    let registries = registries(Vec::new()).with_hub(Some(hub.url()));
    let rows = lines(&registries, &["official"], &query("mongo"));
    assert_eq!(
        rows,
        ["bitnami/mongodb", "mongo: 8.0.1 8.0.0 latest +0", "official: it takes no more requests for now (status 429)"]
    );
    let (found, _) = try_search(&registries, &["official"], &query("mongo")).expect("a search");
    let told = found[1].hub.as_ref().expect("the Hub says more");
    assert_eq!((&*told.description, told.stars, told.official), ("MongoDB  [2Jdocument databases", 10000, true));
}

#[test]
fn docker_hub_needs_a_word() {
    let plant = plant(RegistryBuilder::new());
    let registries = registries(vec![repo(2, "plant", &plant.host())]);
    let alone = |mask| try_search(&registries, &["official"], &query(mask)).map(|_| ()).expect_err("it needs a word");
    assert!(matches!(alone(""), Error::Search(SearchFault::HubNeedsWord)));
    assert!(matches!(alone("m"), Error::Search(SearchFault::HubWord(word)) if word == "m"));
    let rows = lines(&registries, &["official", "plant"], &Query { versions: Versions::None, ..query("") });
    assert_eq!(
        rows,
        [
            "plant/a-b",
            "plant/a/b",
            "plant/mongodb",
            "plant/tools/mongo-dump",
            "note: `official` was not asked: Docker Hub cannot list everything; it needs a word to search for"
        ]
    );
}

#[test]
fn what_one_repo_does_not_answer_is_no_loss_of_the_others() {
    let (hub, plant) = (hub(), plant(RegistryBuilder::new().login()));
    let login = |repo: Repo| Repo { username: Some(USER.into()), password: Some(Secret::new(PASSWORD)), ..repo };
    let registries = registries(vec![
        repo(2, "down", "127.0.0.1:9"),
        repo(3, "shut", &plant.host()),
        repo(4, "nowhere", "registry.invalid"),
        login(repo(5, "plant", &plant.host())),
    ])
    .with_hub(Some(hub.url()));
    let rows = lines(&registries, &["official", "down", "shut", "nowhere", "plant"], &query("mongo"));
    assert_eq!(
        rows,
        [
            "bitnami/mongodb",
            "mongo: 8.0.1 8.0.0 latest +0",
            "plant/mongodb: 4.0-rc1 v3.6.23 3.6.20 +2",
            "plant/tools/mongo-dump: 1.10 1.9 +0",
            "official: it takes no more requests for now (status 429)",
            "down: Connection refused (os error 111)",
            "shut: it wants a login (status 401)",
            "nowhere: failed to lookup address information: Name or service not known",
        ]
        .map(|line| line.to_owned())
    );
}

#[test]
fn a_registry_without_a_catalog_is_asked_for_that_very_name() {
    for status in [401, 403, 404] {
        let server = without_catalog(status);
        let registries = registries(vec![repo(2, "git", &server.host())]);
        let rows = lines(&registries, &["git"], &query("Group/Shop"));
        let note = "note: `git` does not list its repositories: only one that is named `git/group/shop` was looked for";
        assert_eq!(rows, ["git/group/shop: 1.0 +0", note], "{status}");
        assert_eq!(lines(&registries, &["git"], &query("git/group/shop")), rows);
        let (_, outcome) = try_search(&registries, &["git"], &query("shop")).expect("a search");
        let fault = &outcome.faults[0].error;
        let wanted = match status {
            401 => format!("{}: cannot list the repositories", server.host()),
            _ => "`git` does not list its repositories; it has to be asked for one by its whole name".to_owned(),
        };
        assert_eq!(fault.to_string(), wanted);
    }
}

#[test]
fn the_first_names_are_shown_where_there_are_too_many() {
    let plant = plant(RegistryBuilder::new());
    let registries = registries(vec![repo(2, "plant", &plant.host())]);
    let rows = lines(&registries, &["plant"], &Query { limit: Some(2), ..query("") });
    assert_eq!(rows, ["plant/a-b: 1 +0", "plant/a/b: 1 +0", "note: `plant` has 2 more that go with it"]);
    assert_eq!(lines(&registries, &["plant"], &query("nothing")), [""; 0]);
}

#[test]
fn a_repository_without_versions_is_shown() {
    let plant = plant(RegistryBuilder::new());
    plant.forget("a-b", "1").expect("it is there");
    let registries = registries(vec![repo(2, "plant", &plant.host())]);
    assert_eq!(lines(&registries, &["plant"], &query("a-b")), ["plant/a-b:  +0"]);
}

#[test]
fn a_registry_that_falls_silent_is_given_up() {
    let names: Vec<_> = (0..500).map(|number| format!("\"n{number:03}\"")).collect();
    let catalog = format!("{{\"repositories\":[{}]}}", names.join(","));
    let server = ScriptedServer::start(move |request, answer| match request.path.split('?').next() {
        Some("/v2/") => answer.send(200, &[], "{}"),
        Some("/v2/_catalog") => answer.send(200, &[], &catalog),
        Some("/v2/n000/tags/list") => answer.send(200, &[], r#"{"tags":["1"]}"#),
        _ => {
            thread::sleep(Duration::from_secs(20));
            answer.send(200, &[], r#"{"tags":["1"]}"#)
        }
    })
    .expect("a port");
    let registries = registries(vec![repo(2, "slow", &server.host())]);
    let begun = Instant::now();
    let (found, outcome) = try_search(&registries, &["slow"], &query("n")).expect("a search");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(found.iter().filter(|row| row.versions.is_some()).count(), 1);
    assert_eq!((found.len(), outcome.faults[0].names), (500, 499));
}

#[test]
fn nothing_more_is_asked_when_nobody_wants_more() {
    let plant = plant(RegistryBuilder::new());
    let registries = registries(vec![repo(2, "plant", &plant.host())]);
    let (seen, cancel) = (AtomicUsize::new(0), Cancel::default());
    let repos: Vec<_> = registries.repos().iter().filter(|repo| repo.id == 2).collect();
    let outcome = search(&registries, &repos, &query(""), &cancel, |_| seen.fetch_add(1, Ordering::SeqCst) > 0);
    assert_eq!((outcome.expect("a search").found, seen.into_inner()), (1, 1));
    assert!(cancel.is_set(), "what is still open is ended");
}
