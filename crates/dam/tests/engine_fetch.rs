//! `dam engine fetch`: what a recipe names by URL comes, and its digests are noted.

mod support;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use dam_oci::Digest;
use dam_oci::testing::registry::{RegistryBuilder, ScriptedServer};
use serde_json::json;
use support::{Dam, Run};

const ENGINE: &[u8] = b"an engine, as far as a download cares\n";
const COMPOSE: &[u8] = b"a plugin\n";

/// A site that publishes an engine and a plugin.
fn publisher() -> ScriptedServer {
    let server = ScriptedServer::start(|request, answer| match request.path.as_str() {
        "/static/docker-26.1.5.tgz" => answer.send(200, &[], ENGINE),
        "/latest/docker-compose" => answer.send(302, &[("location", "/v2.26.1/docker-compose")], ""),
        "/v2.26.1/docker-compose" => answer.send(200, &[], COMPOSE),
        _ => answer.send(404, &[], "nothing here"),
    });
    server.expect("a port")
}

fn online() -> Dam {
    Dam::new().online()
}

fn recipe(dam: &Dam) -> String {
    fs::read_to_string(dam.path("engine.toml")).expect("a recipe")
}

/// Returns what an error says, where all of it is known.
fn error(run: Run, lines: &[String]) {
    run.error(lines.iter().map(|line| format!("{line}\n")).collect::<String>()).no_stdout();
}

/// Returns the files of the downloads, below their folder.
fn kept(dam: &Dam) -> Vec<String> {
    let mut names = Vec::new();
    for folder in fs::read_dir(dam.root().join("cache/downloads")).into_iter().flatten() {
        let folder = folder.expect("an entry").path();
        for file in fs::read_dir(&folder).expect("a folder") {
            let name = file.expect("an entry").file_name();
            let hex = folder.file_name().expect("a name").to_string_lossy().into_owned();
            names.push(format!("{hex}/{}", name.to_string_lossy()));
        }
    }
    names.sort();
    names
}

#[test]
fn what_a_recipe_names_comes_and_its_digests_are_noted() {
    let (site, engine, compose) = (publisher(), Digest::of(ENGINE).hex(), Digest::of(COMPOSE).hex());
    let url = site.url();
    let before = format!(
        "# The plant's engine.\nname = \"plant-docker\"\n\n[archive]\nurl = \"{url}/static/docker-26.1.5.tgz\"  # by Docker\n\n\
         compose = 1"
    )
    .replace("\ncompose = 1", &format!("\n[compose]\ncommand = false\nurl = \"{url}/latest/docker-compose\"\n# end\n"));
    let dam = online().file("engine.toml", &before);
    fs::set_permissions(dam.path("engine.toml"), fs::Permissions::from_mode(0o640)).expect("ours");
    dam.run("engine fetch").success().no_stderr().stdout(format!(
        "Downloaded archive  {url}/static/docker-26.1.5.tgz  (38 B)\n  sha256:{engine}\n\
         Downloaded compose  {url}/latest/docker-compose  (9 B)\n  sha256:{compose}\n\
         Noted their digests in engine.toml\n"
    ));
    let after = before
        .replace("# by Docker\n", &format!("# by Docker\nsha256 = \"{engine}\"\n"))
        .replace("docker-compose\"\n", &format!("docker-compose\"\nsha256 = \"{compose}\"\n"));
    assert_eq!(recipe(&dam), after);
    assert_eq!(fs::metadata(dam.path("engine.toml")).expect("there").permissions().mode() & 0o777, 0o640);
    let mut files = [format!("{engine}/docker-26.1.5.tgz"), format!("{compose}/docker-compose")];
    files.sort();
    assert_eq!(kept(&dam), files);

    // All is here now, and nobody is asked.
    let asked = site.requests().len();
    let dam = dam.variable("DAM_OFFLINE", "1");
    dam.run("engine fetch engine.toml").success().no_stderr().stdout(format!(
        "Have archive  {url}/static/docker-26.1.5.tgz  (38 B)\n  sha256:{engine}\n\
         Have compose  {url}/latest/docker-compose  (9 B)\n  sha256:{compose}\n\
         Nothing to do: everything is here\n"
    ));
    assert_eq!((recipe(&dam), site.requests().len()), (after, asked));
}

#[test]
fn programs_read_it_as_json() {
    let (site, digest) = (publisher(), Digest::of(ENGINE).hex());
    let address = format!("{}/static/docker-26.1.5.tgz", site.url());
    let text = format!("archive = {{ url = \"{address}\" }}\n[buildx]\npath = \"buildx\"\n");
    let dam = online().file("engine.toml", text).file("buildx", "x");
    let json = dam.run("engine fetch --json").success().no_stderr().json();
    let path = dam.root().join("cache/downloads").join(&digest).join("docker-26.1.5.tgz");
    let plugin = json!({
        "part": "buildx", "path": "buildx", "bytes": 1, "sha256": Digest::of(b"x").hex(), "done": "unchecked", "noted": false,
    });
    let archive = |done: &str, noted: bool| {
        let path = path.display().to_string().replace(&*dam.path("").display().to_string(), "[FOLDER]/");
        json!({
            "part": "archive", "url": address, "path": path, "bytes": 38, "sha256": digest, "done": done, "noted": noted,
        })
    };
    let told = |done, noted| json!({ "recipe": "engine.toml", "parts": [archive(done, noted), plugin] });
    assert_eq!(json, told("downloaded", true));
    assert_eq!(
        recipe(&dam).lines().next(),
        Some(&*format!("archive = {{ url = \"{address}\", sha256 = \"{digest}\" }}"))
    );
    assert_eq!(dam.run("engine fetch --json").success().json(), told("kept", false));
}

#[test]
fn a_recipe_without_files_has_nothing_to_fetch() {
    let dam = Dam::new();
    dam.run("engine init").success();
    dam.run("engine fetch").success().no_stderr().stdout("Nothing to do: engine.toml names no file\n");
    error(
        dam.run("engine fetch plant.toml"),
        &[
            "error: cannot access `plant.toml`".into(),
            "caused by: No such file or directory (os error 2)".into(),
            "hint: dam engine init plant.toml   writes one to begin with".into(),
        ],
    );
}

#[test]
fn files_of_this_machine_are_checked() {
    let (good, bad) = (Digest::of(ENGINE).hex(), Digest::of(b"").hex());
    let text = |pin: &str| format!("[archive]\npath = \"docker.tgz\"\nsha256 = \"{pin}\"\n");
    let dam = Dam::new().file("docker.tgz", ENGINE).file("engine.toml", text(&good));
    dam.run("engine fetch")
        .success()
        .stdout(format!("Checked archive  docker.tgz  (38 B)\n  sha256:{good}\nNothing to do: everything is here\n"));
    let dam = dam.file("engine.toml", text(&bad));
    error(
        dam.run("engine fetch"),
        &[
            format!("error: `docker.tgz` has the digest sha256:{good}, not sha256:{bad}"),
            "hint: sha256sum docker.tgz   to compare with what its publisher says".into(),
        ],
    );
}

#[test]
fn a_file_that_its_publisher_changed_is_refused() {
    let (site, pin, found) = (publisher(), Digest::of(b"as it was"), Digest::of(ENGINE));
    let url = format!("{}/static/docker-26.1.5.tgz", site.url());
    let before = format!("[archive]\nurl = \"{url}\"\nsha256 = \"{}\"\n", pin.hex());
    let dam = online().file("engine.toml", &before);
    error(
        dam.run("engine fetch"),
        &[
            format!("error: `{url}` is not the file it was: it has the digest {found}, not {pin}"),
            "hint: see what its publisher says; if the new one is right, take `sha256` out of the recipe and fetch \
             again"
                .into(),
        ],
    );
    assert_eq!((recipe(&dam), kept(&dam).len()), (before, 0));
    assert_eq!(fs::read_dir(dam.root().join("cache/downloads")).expect("a folder").count(), 0);
    let json = dam.run("engine fetch --json").failure().json();
    assert_eq!(json["error"]["kind"], "wrong-digest");
}

#[test]
fn what_came_before_a_fault_stays() {
    let (site, digest) = (publisher(), Digest::of(ENGINE).hex());
    let url = site.url();
    let text = format!("[archive]\nurl = \"{url}/static/docker-26.1.5.tgz\"\n[compose]\nurl = \"{url}/gone\"\n");
    let dam = online().file("engine.toml", &text);
    error(
        dam.run("engine fetch"),
        &[
            format!("error: cannot download `{url}/gone`"),
            "caused by: it has no such thing (status 404)".into(),
            "hint: see whether the publisher has that version, and that file name".into(),
        ],
    );
    assert_eq!(recipe(&dam), text.replace("tgz\"\n", &format!("tgz\"\nsha256 = \"{digest}\"\n")));
    assert_eq!(kept(&dam), [format!("{digest}/docker-26.1.5.tgz")]);
}

#[test]
fn offline_nobody_is_asked() {
    let site = publisher();
    let url = format!("{}/static/docker-26.1.5.tgz", site.url());
    let dam = Dam::new().file("engine.toml", format!("[archive]\nurl = \"{url}\"\n"));
    error(
        dam.run("engine fetch"),
        &[
            format!("error: `{url}` was not downloaded yet, and no server is to be asked"),
            "hint: unset DAM_OFFLINE, and take `offline` out of dam's settings".into(),
        ],
    );
    assert!(site.requests().is_empty());
}

#[test]
fn a_damaged_copy_is_fetched_again() {
    let (site, digest) = (publisher(), Digest::of(ENGINE).hex());
    let url = format!("{}/static/docker-26.1.5.tgz", site.url());
    let dam = online().file("engine.toml", format!("[archive]\nurl = \"{url}\"\n"));
    dam.run("engine fetch").success();
    let copy = dam.root().join("cache/downloads").join(&digest).join("docker-26.1.5.tgz");
    fs::write(&copy, "rotten").expect("ours");
    dam.run("engine fetch").success().stdout(format!("Downloaded archive  {url}  (38 B)\n  sha256:{digest}\n"));
    assert_eq!(fs::read(copy).expect("there"), ENGINE);
}

#[test]
fn a_download_that_broke_off_goes_on() {
    let bytes: Vec<u8> = (0..200_000_u32).map(|index| (index % 251) as u8).collect();
    let digest = Digest::of(&bytes).hex();
    let whole = bytes.clone();
    let dam = online();
    let gone = dam.path("gone");
    let site = ScriptedServer::start(move |request, answer| match request.header("range") {
        _ if !gone.exists() => {
            write!(answer, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", whole.len())?;
            answer.write_all(&whole[..150_000])?;
            // Gone for good, as far as this run can tell: too long a wait is none.
            fs::write(&gone, "")
        }
        Some("bytes=150000-") if fs::read(&gone)? == b"back" => {
            answer.send(206, &[("content-range", "bytes 150000-199999/200000")], &whole[150_000..])
        }
        _ => answer.send(429, &[("retry-after", "9999")], ""),
    })
    .expect("a port");
    let url = format!("{}/docker.tgz", site.url());
    let dam = dam.file("engine.toml", format!("[archive]\nurl = \"{url}\"\nsha256 = \"{digest}\"\n"));
    error(
        dam.run("engine fetch"),
        &[
            format!("error: cannot download `{url}`"),
            "caused by: it takes no more requests for now (status 429)".into(),
            "hint: it may be asked again in 9999 s".into(),
        ],
    );
    assert_eq!(kept(&dam), [format!("{digest}/docker.tgz.part")]);
    fs::write(dam.path("gone"), "back").expect("ours");
    dam.run("engine fetch")
        .success()
        .stdout(format!("Downloaded archive  {url}  (200.0 kB, 150.0 kB of it before)\n  sha256:{digest}\n"));
    assert_eq!(kept(&dam), [format!("{digest}/docker.tgz")]);
}

#[test]
fn a_full_disk_keeps_nothing() {
    let bytes = vec![7; 1 << 20];
    let digest = Digest::of(&bytes).hex();
    let site = ScriptedServer::start(move |_, answer| answer.send(200, &[], &bytes)).expect("a port");
    let text = format!("[archive]\nurl = \"{}/docker.tgz\"\nsha256 = \"{digest}\"\n", site.url());
    let dam = online().file("engine.toml", text).small_disk("root", 8 << 20);
    dam.disk().fill(300 << 10);
    error(
        dam.run("engine fetch"),
        &[
            format!("error: cannot access `[FOLDER]/root/cache/downloads/{digest}/docker.tgz.part`"),
            "caused by: No space left on device (os error 28)".into(),
            "hint: dam purge --dry-run   says what dam could give up".into(),
        ],
    );
    let downloads = dam.disk().inside().join("cache/downloads");
    assert_eq!(fs::read_dir(&downloads).expect("a folder").count(), 0);
    dam.disk().free();
    dam.run("engine fetch").success();
    assert_eq!(fs::metadata(downloads.join(digest).join("docker.tgz")).expect("there").len(), 1 << 20);
}

#[test]
fn a_private_authority_is_trusted_by_a_file() {
    let registry = RegistryBuilder::new().tls().start().expect("docker-registry and openssl");
    // What a registry answers is a file like any other.
    let url = format!("https://{}/v2/_catalog", registry.host());
    let dam = online().file("engine.toml", format!("[archive]\nurl = \"{url}\"\n"));
    let dam = dam.file("ca.pem", registry.ca().expect("it speaks TLS")).file("none.pem", "");
    let strict = dam.variable("SSL_CERT_FILE", "none.pem");
    let run = strict.run("engine fetch").failure().no_stdout();
    let words = run.talk().to_owned();
    assert!(words.contains("its certificate is signed by an authority that is not trusted here\n"), "{words}");
    let hint = "hint: SSL_CERT_FILE=ca.pem dam engine fetch   trusts the authorities of that file, and no others\n";
    assert!(words.ends_with(hint), "{words}");
    let dam = strict.variable("SSL_CERT_FILE", "ca.pem");
    let told = dam.run("engine fetch --json").success().json();
    assert_eq!(told["parts"][0]["sha256"], Digest::of(b"{\"repositories\":[]}\n").hex());
}

#[test]
fn plain_http_to_others_needs_a_digest() {
    let dam = online().file("engine.toml", "[archive]\nurl = \"http://download.invalid/docker.tgz\"\n");
    error(
        dam.run("engine fetch"),
        &[
            "error: `http://download.invalid/docker.tgz` would come over plain http, where anybody can change it, and \
             no digest says what it is"
                .into(),
            "hint: give its digest, as its publisher says it, as `sha256`; or take an address with https".into(),
        ],
    );
}

#[test]
fn faults_of_a_recipe_are_told_with_their_lines() {
    let dam = Dam::new().file("engine.toml", "nam = \"x\"\n[archive]\nur = \"https://h/x\"\n");
    error(
        dam.run("engine fetch"),
        &[
            "error: the recipe `engine.toml` has 2 faults".into(),
            "caused by: engine.toml:1: `nam` is no key of a recipe, `name` is".into(),
            "caused by: engine.toml:3: `archive.ur` is no key of a recipe, `archive.url` is".into(),
        ],
    );
}
