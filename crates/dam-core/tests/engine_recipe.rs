//! `engine.toml`: what it says, what it may not say, and how it is told.

use std::fs;
use std::path::{Path, PathBuf};

use dam_core::engine::Recipe;
use dam_core::engine::recipe::{
    DEFAULT, DaemonError, ExtraFile, Input, KEYS, RecipeError, Restart, Service, Site, Source,
};
use dam_oci::Digest;
use dam_pack::{Architecture, Format, Role};
use proptest::prelude::{any, prop, proptest};
use serde_json::{Value, json};
use tempfile::TempDir;

const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn parse(text: &str) -> Result<Recipe, RecipeError> {
    Recipe::parse(text, Path::new("site/engine.toml"))
}

fn good(text: &str) -> Recipe {
    parse(text).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns what is wrong, line by line.
fn faults(text: &str) -> Vec<String> {
    match parse(text) {
        Err(RecipeError::Faults { faults, .. }) => faults.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

fn settings(recipe: &Recipe) -> Value {
    Value::Object(recipe.daemon.settings().expect("good"))
}

#[test]
fn the_default_recipe_says_what_holds_without_one() {
    assert_eq!(good(DEFAULT), Recipe::default());
    assert_eq!(good(""), Recipe::default());
}

#[test]
fn the_default_recipe_tells_of_every_key() {
    for (section, keys) in KEYS {
        let part = match *section {
            "" => DEFAULT.split_once("\n[").expect("sections follow").0,
            name => {
                let header = if name == "files" { "[[files]]".to_owned() } else { format!("[{name}]") };
                let (_, rest) = DEFAULT.split_once(&header).unwrap_or_else(|| panic!("{header} is there"));
                rest.split("\n[").next().expect("there is a first part")
            }
        };
        for key in *keys {
            let told = part.lines().any(|line| line.trim_start_matches('#').starts_with(&format!("{key} = ")));
            assert!(told, "`{section}.{key}` is told of");
        }
    }
}

#[test]
fn the_examples_of_the_default_recipe_are_good() {
    // Of two keys that exclude each other, one at a time; `path` of a file stays.
    for left_out in ["#url = ", "#path = "] {
        let stays =
            |line: &&str| !line.starts_with("#file = ") && (!line.starts_with(left_out) || line.contains("/etc/"));
        let example = |line| if str::starts_with(line, "# ") { line } else { str::trim_start_matches(line, '#') };
        let text: Vec<_> = DEFAULT.lines().filter(stays).map(example).collect();
        let text = text.join("\n");
        let recipe = good(&text);
        assert_eq!(recipe.files.len(), 1);
        assert_eq!(recipe.version.as_deref(), Some("26.1.5"));
        assert!(matches!(recipe.daemon.site, Site::Settings(_)));
    }
}

#[test]
fn a_recipe_says_what_a_package_is_made_of() {
    let recipe = good(&format!(
        r#"
        name = "plant-docker"
        version = "29.0.0~rc.1"
        epoch = 2
        release = "3"
        maintainer = "Ann Example <ann@example.org>"
        architecture = "aarch64"
        include_dam = true
        dynamic = ["docker-compose"]
        [archive]
        url = "https://host/linux/docker-29.0.0-rc.1.tgz"
        sha256 = "{HEX}"
        [compose]
        path = "in/docker-compose"
        command = false
        [buildx]
        path = "/in/buildx"
        sha256 = "sha256:{HEX}"
        [service]
        enable = false
        start = false
        restart = "never"
        [[files]]
        path = "/etc/plant.conf"
        source = "plant.conf"
        mode = "0640"
        role = "config"
        [[files]]
        path = "/usr/bin/plant"
        source = "plant"
        mode = 0o755
        "#
    ));
    assert_eq!(recipe.name.as_str(), "plant-docker");
    assert_eq!((recipe.version.as_deref(), recipe.epoch, recipe.release.as_str()), (Some("29.0.0~rc.1"), 2, "3"));
    assert_eq!(recipe.maintainer, "Ann Example <ann@example.org>");
    assert_eq!(recipe.architecture, Architecture::Aarch64);
    assert!(recipe.include_dam && !recipe.compose_command);
    assert_eq!(recipe.dynamic, ["docker-compose"]);
    let archive = recipe.archive.expect("named");
    assert_eq!(archive.sha256, Some(Digest::of(b"")));
    let Source::Url(url) = archive.source else { panic!("it is a URL") };
    assert_eq!(url.file_name(), "docker-29.0.0-rc.1.tgz");
    let path = |path: &str| Source::Path(PathBuf::from(path));
    assert_eq!(recipe.compose, Some(Input { source: path("site/in/docker-compose"), sha256: None }));
    assert_eq!(recipe.buildx, Some(Input { source: path("/in/buildx"), sha256: Some(Digest::of(b"")) }));
    assert_eq!(recipe.service, Service { enable: false, start: false, restart: Restart::Never });
    let file = |path: &str, source: &str, mode, role| ExtraFile {
        path: path.parse().expect(path),
        source: PathBuf::from(source),
        mode,
        role,
    };
    assert_eq!(
        recipe.files,
        [
            file("/etc/plant.conf", "site/plant.conf", 0o640, Role::Config),
            file("/usr/bin/plant", "site/plant", 0o755, Role::Plain),
        ]
    );
}

#[test]
fn a_key_that_is_not_known_is_told_with_its_line_and_the_nearest_one() {
    assert_eq!(
        faults("name = \"dam-docker\"\n\n[archive]\nsha265 = \"x\"\n"),
        ["line 4: `archive.sha265` is no key of a recipe, `archive.sha256` is"]
    );
    assert_eq!(
        faults("include-dam = true\nlive_restore = true\nzzz = 1"),
        [
            "line 1: `include-dam` is no key of a recipe, `include_dam` is",
            "line 2: `live_restore` is no key of a recipe, `daemon.live_restore` is",
            "line 3: `zzz` is no key of a recipe",
        ]
    );
    assert_eq!(
        faults("[archives]\npath = \"x\"\n[[file]]\npath = \"/x\""),
        ["line 1: `archives` is no key of a recipe, `archive` is", "line 3: `file` is no key of a recipe, `files` is"]
    );
}

#[test]
fn all_faults_are_told_at_once_in_the_order_of_lines() {
    let text = "name = \"X\"\nepoch = -1\nversion = 26\n[service]\nstart = \"yes\"\nrestart = \"always\"\n\
                [archive]\nurl = \"http://host/docker.tgz\"\n[deb]\ndepends = [\"a | b\", \"c\"]\n";
    let told = [
        "line 1: `name`: `X` is not a package name: two or more of `a-z`, `0-9`, `+`, `-` and `.`, first a letter or digit",
        "line 2: `epoch` takes a whole number from 0 on",
        "line 3: `version` takes text in quotes",
        "line 5: `service.start` takes true or false",
        "line 6: `service.restart`: takes one of if-active, never, not `always`",
        "line 8: `archive.sha256` is missing: what comes from a URL is checked against it",
        "line 10: `deb.depends`: `a | b` is not a package: it is written `name` or `name (>= version)`, with one of \
         << <= = >= >>",
    ];
    assert_eq!(faults(text), told);
    let whole = |text| parse(text).expect_err("bad").to_string();
    assert_eq!(whole("epoch = -1\nzzz = 1"), "the recipe `site/engine.toml` has 2 faults");
    assert_eq!(whole("zzz = 1"), "the recipe `site/engine.toml` has a fault");
}

#[test]
fn what_is_no_toml_is_told_with_its_line() {
    let found = faults("name = \"dam-docker\"\nname = \"twice\"\n");
    assert_eq!(found, ["line 2: duplicate key"]);
    assert!(faults("[archive\n")[0].starts_with("line 1: "));
}

#[test]
fn values_are_checked() {
    for (text, told) in [
        ("version = \"v26\"", "line 1: `version`: `v26` is not a package version"),
        ("release = \"1-2\"", "line 1: `release`: `1-2` is not a package release"),
        ("maintainer = \"Ann\"", "line 1: `maintainer`: is written `Name <address@host>`"),
        (
            "architecture = \"sparc\"",
            "line 1: `architecture`: takes one of amd64, arm64, armhf, ppc64el, s390x, riscv64",
        ),
        ("architecture = \"all\"", "line 1: `architecture`: takes one of"),
        ("dynamic = \"runc\"", "line 1: `dynamic` takes a list of texts"),
        ("dynamic = [1]", "line 1: `dynamic` takes a list of texts"),
        ("archive = \"docker.tgz\"", "line 1: `archive` takes a section of keys"),
        ("[archive]\npath = \"\"", "line 2: `archive.path`: takes the path of a file"),
        ("[archive]\nsha256 = \"12\"", "line 2: `archive.path` is missing: or `url`"),
        (
            "[archive]\nurl = \"ftp://host/x\"\nsha256 = \"\"",
            "line 2: `archive.url`: `ftp://host/x` is no address of a file",
        ),
        ("[archive]\nurl = \"https://host/\"\n", "line 2: `archive.url`: `https://host/` is no address of a file"),
        ("[files]\npath = \"/x\"", "line 1: `files` takes sections with double brackets"),
        ("[[files]]\npath = \"/x\"", "line 1: `files.source` is missing: a file comes from somewhere"),
        (
            "[[files]]\npath = \"x/../y\"\nsource = \"s\"",
            "line 2: `files.path`: `x/../y` is no path that a package can install",
        ),
        ("[[files]]\npath = \"/x\"\nsource = \"s\"\nmode = 755", "line 4: `files.mode` takes octal permissions"),
        ("[[files]]\npath = \"/x\"\nsource = \"s\"\nmode = \"0999\"", "line 4: `files.mode` takes octal permissions"),
        (
            "[[files]]\npath = \"/x\"\nsource = \"s\"\nrole = \"man\"",
            "line 4: `files.role`: takes one of plain, config",
        ),
    ] {
        let found = faults(text).join("\n");
        assert!(found.lines().any(|line| line.starts_with(told)), "{text}\n{found}\n{told}");
    }
}

#[test]
fn one_source_and_one_digest() {
    let both = format!("[archive]\npath = \"x\"\nurl = \"https://host/x\"\nsha256 = \"{HEX}\"\n");
    assert_eq!(faults(&both), ["line 3: `archive.url`: only one of `path` and `url` can be given"]);
    assert_eq!(
        faults("[compose]\npath = \"x\"\nsha256 = \"12\"\n"),
        ["line 3: `compose.sha256`: takes 64 hex digits, as `sha256sum` prints them, not `12`"]
    );
    let unpinned = "[archive]\nurl = \"https://host/docker-26.1.5.tgz\"\n";
    assert_eq!(faults(unpinned), ["line 2: `archive.sha256` is missing: what comes from a URL is checked against it"]);
    let recipe = Recipe::parse_unpinned(unpinned, Path::new("engine.toml")).expect("it is still to be pinned");
    assert_eq!(recipe.archive.expect("named").sha256, None);
    // It would be read by whoever has the package.
    assert_eq!(
        faults("[archive]\nurl = \"https://robin:secret@host/x\"\n")[0],
        "line 2: `archive.url`: `https://robin:secret@host/x` is no address of a file, such as \
         `https://host/folder/file.tgz`"
    );
}

#[test]
fn the_same_file_twice_is_a_fault() {
    let file = "[[files]]\npath = \"/x\"\nsource = \"s\"\n";
    assert_eq!(faults(&file.repeat(2)), ["line 4: `files.path`: `/x` is there twice"]);
}

#[test]
fn an_engine_has_sensible_settings() {
    assert_eq!(
        settings(&good("")),
        json!({
            "live-restore": true,
            "log-driver": "json-file",
            "log-opts": { "max-size": "10m", "max-file": "3" },
            "default-ulimits": { "nofile": { "Name": "nofile", "Soft": 1024, "Hard": 524_288 } },
        })
    );
    let none = "[daemon]\nlive_restore = false\nlog_rotation = false\nulimits = false\n";
    assert_eq!(settings(&good(none)), json!({}));
}

#[test]
fn the_site_has_the_last_word_in_settings() {
    let base = "[daemon]\nulimits = false\n";
    let table = format!("{base}[daemon.json]\nlive-restore = false\nlog-driver = \"journald\"\nmtu = 1_400\n");
    let wanted = json!({ "live-restore": false, "log-driver": "journald", "mtu": 1400 });
    assert_eq!(settings(&good(&table)), wanted);
    let text = format!("{base}json = '''{wanted}'''\n");
    assert_eq!(settings(&good(&text)), wanted);
    let inline = format!("{base}json = {{ live-restore = false, log-driver = \"journald\", mtu = 0x578 }}\n");
    assert_eq!(settings(&good(&inline)), wanted);
}

#[test]
fn settings_come_from_a_file_too() {
    let folder = TempDir::new().expect("a folder");
    let recipe = folder.path().join("engine.toml");
    fs::write(&recipe, "[daemon]\nfile = \"site.json\"\n").expect("written");
    let read = |text: &str| {
        fs::write(folder.path().join("site.json"), text).expect("written");
        Recipe::read(&recipe).expect("good").daemon.settings()
    };
    let found = read("{ \"insecure-registries\": [\"plant:5000\"] }").expect("good");
    assert_eq!(found["insecure-registries"], json!(["plant:5000"]));
    assert_eq!(found["live-restore"], json!(true));
    assert!(matches!(read("{ \"a\": 1, }"), Err(DaemonError::Json { .. })));
    assert!(matches!(read("[]"), Err(DaemonError::Refused { .. })));
    assert!(matches!(read("{ \"hosts\": [] }"), Err(DaemonError::Refused { .. })));
    fs::remove_file(folder.path().join("site.json")).expect("removed");
    let daemon = Recipe::read(&recipe).expect("good").daemon;
    assert!(matches!(daemon.settings(), Err(DaemonError::Access { .. })));
    fs::remove_file(&recipe).expect("removed");
    assert!(matches!(Recipe::read(&recipe), Err(RecipeError::Access { .. })));
}

#[test]
fn settings_that_no_engine_takes_are_told_at_once() {
    for (text, told) in [
        ("json = '{'", "is no JSON: EOF while parsing an object at line 1 column 1"),
        ("json = '[]'", "is no JSON object: settings stand between `{` and `}`"),
        ("json = 1", "takes a section of settings, or JSON as text"),
        ("json = { mtu = nan }", "nan is no number of JSON"),
        (
            "json = { hosts = [] }",
            "has `hosts`, with which the engine does not start as a service: its socket comes from docker.socket",
        ),
        ("json = {}\nfile = \"x\"", "only one of `file` and `json` can be given"),
    ] {
        assert_eq!(faults(&format!("[daemon]\n{text}\n")), [format!("line 2: `daemon.json`: {told}")]);
    }
}

fn conflicts(recipe: &Recipe, format: Format) -> Vec<String> {
    recipe.relations(format).conflicts.iter().map(ToString::to_string).collect()
}

#[test]
fn a_package_stands_beside_no_other_engine() {
    let recipe = good("");
    let deb =
        ["docker-ce", "docker-ce-cli", "docker.io", "docker-cli", "docker-engine", "moby-engine", "podman-docker"];
    assert_eq!(conflicts(&recipe, Format::Deb), deb);
    assert!(conflicts(&recipe, Format::Rpm).contains(&"docker-ee".to_owned()));
    assert!(recipe.relations(Format::Deb).depends.is_empty(), "a small Debian lacks iptables");
}

#[test]
fn a_package_with_plugins_stands_beside_no_other_package_of_them() {
    let recipe = good("[compose]\npath = \"x\"\n[buildx]\npath = \"y\"\n[deb]\nconflicts = [\"old (<< 2)\"]\n");
    assert_eq!(
        conflicts(&recipe, Format::Deb),
        [
            "old (<< 2)",
            "docker-compose-plugin",
            "docker-compose",
            "docker-compose-v2",
            "docker-buildx-plugin",
            "docker-buildx"
        ]
    );
    assert!(!conflicts(&recipe, Format::Rpm).contains(&"docker-compose-v2".to_owned()));
    let own = good("name = \"docker-engine\"\n");
    assert!(!conflicts(&own, Format::Deb).contains(&"docker-engine".to_owned()), "it is this one");
}

#[test]
fn relations_are_of_one_format() {
    let recipe = good("[rpm]\nprovides = [\"docker-engine (= 26)\"]\ndepends = []\n");
    assert_eq!(recipe.relations(Format::Rpm).provides[0].to_string(), "docker-engine (= 26)");
    assert!(recipe.relations(Format::Rpm).depends.is_empty());
    assert!(recipe.relations(Format::Deb).provides.is_empty());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[a-z=\\[\\]{}\"'\\n .#0-9]{0,200}") {
        let _ = parse(&text);
    }

    #[test]
    fn flipped_and_cut_recipes_are_read_or_refused(at in any::<prop::sample::Index>(), byte in 32..127_u8, cut in 0..6000_usize) {
        let mut bytes = DEFAULT.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes.truncate(cut);
        let _ = parse(&String::from_utf8_lossy(&bytes));
    }
}
