//! Product lists: what is read, and what is said of what cannot be.

use dam_core::Error;
use dam_core::product::{FAULT_LIMIT, LINE_LIMIT, LIST_LIMIT, ListFault, ProductList, is_list};
use proptest::prelude::{any, prop, proptest};

fn read(text: &str) -> ProductList {
    ProductList::parse("site.txt", text.as_bytes()).expect("a sound list")
}

/// Returns what is shown of each app, with its line.
fn lines(text: &str) -> Vec<(usize, String)> {
    read(text).entries.into_iter().map(|entry| (entry.line, entry.reference.to_string())).collect()
}

/// Returns what is said of each bad line.
fn faults(bytes: &[u8]) -> Vec<String> {
    match ProductList::parse("site.txt", bytes).expect_err("a bad list") {
        ListFault::Lines { faults, more: 0, .. } => faults.iter().map(ToString::to_string).collect(),
        other => panic!("{other}"),
    }
}

#[test]
fn one_app_a_line() {
    let list = read("mongodb:3.6.20\nplant:5000/tools/backup:1.0\n");
    let [database, backup] = &list.entries[..] else { panic!("{list:?}") };
    assert_eq!((database.line, database.id.to_string().as_str()), (1, "mongodb:3.6.20"));
    assert_eq!((database.reference.registry(), database.reference.tag()), (None, Some("3.6.20")));
    assert_eq!((backup.line, backup.id.to_string().as_str()), (2, "tools/backup:1.0"));
    assert_eq!(backup.reference.registry(), Some("plant:5000"));
}

#[test]
fn comments_blanks_and_foreign_line_ends_do_not_count() {
    let text = "\u{feff}# the plant\r\n\r\n \t shop:1.0 \t # the shop\r\n   # nothing\n\t\nmongodb:3.6.20";
    assert_eq!(lines(text), [(3, "shop:1.0".to_owned()), (6, "mongodb:3.6.20".to_owned())]);
    assert_eq!(lines("shop:1.0 #"), [(1, "shop:1.0".to_owned())]);
}

#[test]
fn a_list_may_be_empty() {
    for empty in ["", "\n", "\u{feff}", "# nothing\r\n  \n"] {
        assert_eq!(read(empty), ProductList::default(), "{empty:?}");
    }
}

#[test]
fn two_versions_of_a_name_are_two_apps() {
    assert_eq!(lines("shop:1.0\nshop:2.0").len(), 2);
}

#[test]
fn every_bad_line_is_told_with_its_number() {
    let text = b"Shop:1.0\nshop\nshop:1.0\nshop:1.0 shop:2.0\n# fine\nshop:\nshop:1.0#x\n:1\n../x:1\nb\xe9b\xe9:1\n";
    let tag = "a version is made of letters, digits, `_`, `.` and `-`, starts with none of the last two and has at most \
               128 characters";
    assert_eq!(
        faults(text),
        [
            "line 1: `Shop:1.0`: the name must be in lower case".to_owned(),
            "line 2: `shop`: the version is missing: an app is written `name:version`".to_owned(),
            "line 4: `shop:1.0 shop:2.0`: there is more than one word on the line".to_owned(),
            "line 6: `shop:`: the version behind the `:` is empty".to_owned(),
            format!("line 7: `shop:1.0#x`: {tag}"),
            "line 8: `:1`: the name is empty".to_owned(),
            "line 9: `../x:1`: the registry is not a host name with an optional port".to_owned(),
            "line 10: `b\u{fffd}b\u{fffd}:1`: it is not UTF-8 text".to_owned(),
        ]
    );
}

#[test]
fn the_same_app_twice_names_both_lines() {
    let text = b"# x\nshop:1.0\nmongodb:3\nplant:5000/shop:1.0\nshop:1.0\n";
    assert_eq!(
        faults(text),
        ["line 4: `plant:5000/shop:1.0`: the same app is on line 2", "line 5: `shop:1.0`: the same app is on line 2"]
    );
}

#[test]
fn a_digest_is_no_version() {
    let text = format!("shop:1.0@sha256:{}\nshop@sha256:{}\n", "a".repeat(64), "b".repeat(64));
    let shown = |hex: &str, rest: &str| format!("`{rest}@sha256:{}…`", hex.repeat(60 - rest.len() - 8));
    assert_eq!(
        faults(text.as_bytes()),
        [
            format!("line 1: {}: a list names versions, not digests", shown("a", "shop:1.0")),
            format!("line 2: {}: a list names versions, not digests", shown("b", "shop")),
        ]
    );
}

#[test]
fn a_repository_that_is_no_name_of_an_app() {
    assert_eq!(
        faults(b"plant:5000/a.b/shop:1\n"),
        ["line 1: `plant:5000/a.b/shop:1`: `a.b/shop` is not an app name: a name has no registry and no version"]
    );
}

#[test]
fn long_lines_are_refused_and_long_comments_are_not() {
    let long = "x".repeat(LINE_LIMIT + 1);
    assert_eq!(faults(long.as_bytes()), [format!("line 1: `{}…`: it is longer than 4096 bytes", "x".repeat(60))]);
    assert_eq!(lines(&format!("shop:1 # {long}")).len(), 1);
}

#[test]
fn other_files_are_no_lists() {
    let refused = |bytes: &[u8]| ProductList::parse("site.dam", bytes).expect_err("no list").to_string();
    assert_eq!(refused(b"oci-layout\0\0"), "`site.dam` is no product list: it is not UTF-8 text");
    assert_eq!(refused(b"\xff\xfes\0h\0"), "`site.dam` is no product list: it is not UTF-8 text");
    let large = vec![b'#'; LIST_LIMIT + 1];
    assert_eq!(refused(&large), "`site.dam` is no product list: it has more than 1048576 bytes");
    assert_eq!(ProductList::parse("x", &large[1..]), Ok(ProductList::default()));
}

#[test]
fn a_great_many_bad_lines_are_counted() {
    let fault = ProductList::parse("x", "-\n".repeat(500).as_bytes()).expect_err("no list");
    assert_eq!(fault.to_string(), "`x` is no product list: 500 of its lines cannot be used");
    let ListFault::Lines { faults, more, .. } = fault else { panic!("lines are at fault") };
    assert_eq!((faults.len(), more), (FAULT_LIMIT, 500 - FAULT_LIMIT));
}

#[test]
fn files_are_read_and_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("site.txt");
    assert!(matches!(ProductList::read(&path), Err(Error::Access { path: at, .. }) if at == path));
    std::fs::write(&path, "shop:1.0\n").expect("a file");
    assert_eq!(ProductList::read(&path).expect("a list"), read("shop:1.0"));
    std::fs::write(&path, "shop\n").expect("a file");
    let error = ProductList::read(&path).expect_err("no version");
    assert_eq!(error.to_string(), format!("`{}` is no product list: 1 of its lines cannot be used", path.display()));
    assert!(matches!(ProductList::read(folder.path()), Err(Error::Access { .. })));
}

#[test]
fn the_first_bytes_tell_a_list_from_an_archive() {
    for list in ["", "shop:1.0\n", "# x", "nonsense"] {
        assert!(is_list(list.as_bytes()), "{list}");
    }
    for archive in [&b"oci-layout\0\0\0"[..], b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"] {
        assert!(!is_list(archive), "{archive:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = ProductList::parse("x", &bytes);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "([a-z:/@#.\r\n \t-]|\u{feff}|é){0,200}") {
        let _ = ProductList::parse("x", text.as_bytes());
    }

    #[test]
    fn a_list_is_read_as_it_is_written(
        names in prop::collection::btree_set("[a-z]{1,5}(/[a-z0-9]{1,5})?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,8}", 0..20),
        registry in "(plant:5000/|ship.example/)?",
    ) {
        let text: String = names.iter().map(|name| format!("{registry}{name}\n")).collect();
        // `library/x` is the same name as `x`, and both are in the set now and then.
        if let Ok(list) = ProductList::parse("x", text.as_bytes()) {
            let again = ProductList::parse("x", list.to_string().as_bytes());
            assert_eq!(again, Ok(list));
        }
    }
}
