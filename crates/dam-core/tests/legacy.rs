//! Databases of DAM 1.x, as it wrote them, and as crashes and editors left them.

use std::fs;
use std::path::Path;

use dam_core::legacy::{Database, LegacyApp, LegacyRepo, LineFault, read};
use dam_oci::registry::Secret;
use proptest::prelude::{any, prop, proptest};

const REPOS: &str = "1;;official;https://registry-1.docker.io/;;\n2;*;local-repo;localhost:5000;me;czNjcmV0\n";

fn database(repos: impl AsRef<[u8]>, apps: impl AsRef<[u8]>) -> Database {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("Repos"), repos).expect("writable");
    fs::write(folder.path().join("Apps"), apps).expect("writable");
    read(folder.path()).expect("readable").expect("it is there")
}

fn app(id: u32, docker_id: &str, app: &str, server: Option<&str>, family: &str) -> LegacyApp {
    LegacyApp {
        id,
        docker_id: docker_id.to_owned(),
        app: app.parse().expect("good"),
        server: server.map(str::to_owned),
        family: family.parse().expect("good"),
        multiversion: false,
    }
}

fn texts(faults: &[LineFault]) -> Vec<String> {
    faults.iter().map(ToString::to_string).collect()
}

#[test]
fn reads_what_dam_1_wrote() {
    let apps = "0;a30d628ceea4;damres-a;1.0.0;2;;damres-a\n1;0123456789ab;hub;2;1;*;FAM\n";
    let Database { apps, repos, faults, .. } = database(REPOS, apps);
    let mut hub = app(1, "0123456789ab", "hub:2", None, "FAM");
    hub.multiversion = true;
    assert_eq!(apps, [app(0, "a30d628ceea4", "damres-a:1.0.0", Some("localhost:5000"), "damres-a"), hub]);
    let official = LegacyRepo {
        id: 1,
        is_default: false,
        name: "official".into(),
        server: "https://registry-1.docker.io/".into(),
        username: String::new(),
        password: None,
    };
    let local = LegacyRepo {
        id: 2,
        is_default: true,
        name: "local-repo".into(),
        server: "localhost:5000".into(),
        username: "me".into(),
        password: Some(Secret::new("s3cret")),
    };
    assert_eq!(repos, [official, local]);
    assert_eq!(faults, []);
}

#[test]
fn reads_the_older_separator_and_other_line_ends() {
    let apps = "0|a30d628ceea4|a|1|2||a\r\n1;a30d628ceea5;b;1;2;;b;more;fields\n2;a30d628ceea6;c;1;9;;";
    let apps = database(REPOS, apps);
    assert_eq!(texts(&apps.faults), [""; 0]);
    let local = Some("localhost:5000");
    let wanted = [
        app(0, "a30d628ceea4", "a:1", local, "a"),
        app(1, "a30d628ceea5", "b:1", local, "b"),
        app(2, "a30d628ceea6", "c:1", None, "c"),
    ];
    assert_eq!(apps.apps, wanted);
}

#[test]
fn bad_lines_are_named_and_the_good_ones_used() {
    let long = "x".repeat(70_000);
    let lines: [&[u8]; 16] = [
        b"0;a30d628ceea4;first;1;2;;first",
        b"",
        b"  ",
        b"1;a30d628ceea4;cut;1",
        b"-1;a30d628ceea4;x;1;2;;x",
        b"99999999999;a30d628ceea4;x;1;2;;x",
        b"2;A30d628ceea4;x;1;2;;x",
        b"2;a30d628ceea45;x;1;2;;x",
        b"2;a30d628ceea4;UPPER;1;2;;x",
        b"2;a30d628ceea4;x;a b;2;;x",
        b"2;a30d628ceea4;x;1;two;;x",
        b"2;a30d628ceea4;x;1;2;yes;x",
        b"2;a30d628ceea4;x;1;2;;a b",
        b"2;\xff\xfe;x;1;2;;x",
        long.as_bytes(),
        b"0;a30d628ceea4;old;1;2;;old",
    ];
    let mut apps = lines.join(&b'\n');
    apps.extend_from_slice(b"\n7;a30d628ceea4;last;1;2;;last\nal-repo;localhost:5000;me;czNjcmV0\n");
    let database = database(REPOS, apps);
    let names: Vec<_> = database.apps.iter().map(|app| app.app.to_string()).collect();
    assert_eq!(names, ["first:1", "last:1"]);
    assert_eq!(
        texts(&database.faults),
        [
            "line 2 of `Apps` is blank",
            "line 3 of `Apps` is blank",
            "line 4 of `Apps` has 4 fields instead of 7",
            "line 5 of `Apps` has no good number",
            "line 6 of `Apps` has no good number",
            "line 7 of `Apps` has no good image id",
            "line 8 of `Apps` has no good image id",
            "line 9 of `Apps` has no good name",
            "line 10 of `Apps` has no good version",
            "line 11 of `Apps` has no good repo number",
            "line 12 of `Apps` has no good multiversion mark",
            "line 13 of `Apps` has no good family",
            "line 14 of `Apps` is not text",
            "line 15 of `Apps` is too long",
            "line 16 of `Apps` repeats the number of line 1",
            "line 18 of `Apps` has 4 fields instead of 7",
        ]
    );
}

#[test]
fn bad_repos_are_named_too() {
    let database = database(
        "1;;official;https://x/;;\n2;yes;a;b;;\n3;;;b;;\n4;;a;;;\n5;*;a\n2;;a;user;;\n",
        "0;a30d628ceea4;a;1;2;;a\n",
    );
    assert_eq!(
        texts(&database.faults),
        [
            "line 2 of `Repos` has no good default mark",
            "line 3 of `Repos` has no good name",
            "line 4 of `Repos` has no good server",
            "line 5 of `Repos` has 3 fields instead of 6",
        ]
    );
    assert_eq!(database.apps[0].server.as_deref(), Some("user"));
}

#[test]
fn passwords_are_nowhere() {
    let repos = format!("{REPOS}czNjcmV0;;x;y;z;czNjcmV0\n3;;x;y;z;czNjcmV0;czNjcmV0\nczNjcmV0\n");
    let database = database(&repos, format!("0;a30d628ceea4;a;1;2;;a\n{repos}"));
    assert_eq!(database.faults.len(), 7);
    let shown = format!("{database:?} {:?}", texts(&database.faults));
    assert!(!shown.contains("czNjcmV0"), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn a_database_is_there_if_one_of_its_files_is() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(read(folder.path()).expect("readable"), None);
    assert_eq!(read(&folder.path().join("missing")).expect("readable"), None);
    let file = folder.path().join("Apps");
    fs::write(&file, "").expect("writable");
    let empty = Database { folder: folder.path().to_owned(), apps: vec![], repos: vec![], faults: vec![] };
    assert_eq!(read(folder.path()).expect("readable"), Some(empty));
    assert_eq!(read(&file).expect("readable"), None);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("Apps")).expect("a folder");
    let error = read(folder.path()).expect_err("a folder is no file");
    assert!(error.to_string().contains(&Path::new("Apps").display().to_string()), "{error}");
}

proptest! {
    #[test]
    fn no_bytes_panic(
        repos in prop::collection::vec(any::<u8>(), 0..200),
        apps in "([0-9a-f;|*]{0,30}\n?|0;a30d628ceea4;[a-z]{0,2};1;1;;\n){0,9}",
    ) {
        let database = database(&repos, &apps);
        let lines = apps.lines().count() + repos.split(|byte| *byte == b'\n').count();
        assert!(database.apps.len() + database.repos.len() + database.faults.len() <= lines);
    }
}
