//! Lines of text.

use std::collections::BTreeMap;
use std::fs;

use dam_oci::{Digest, DockerIgnore, Dockerfile, Platform, Reference};

use crate::app::AppId;
use crate::bundle::file_name;
use crate::legacy;
use crate::product::ProductList;

/// Reads names of images, apps, digests, platforms and files: what is read once, is read again as it is shown.
pub(super) fn reference(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(reference) = text.parse::<Reference>() {
        assert_eq!(reference.to_string().parse().as_ref(), Ok(&reference));
        assert_eq!(reference.canonical().parse().as_ref(), Ok(&reference));
        assert!(reference.at_registry(None).is_ok_and(|it| it.registry().is_none()));
        let tagged = reference.with_tag("1").expect("a tag");
        assert_eq!((tagged.registry(), tagged.repository()), (reference.registry(), reference.repository()));
    }
    if let Ok(app) = text.parse::<AppId>() {
        assert_eq!(app.to_string().parse().as_ref(), Ok(&app));
        let promise = file_name::parse(&file_name::file_name(&app, 0xa1b2_c3d4)).expect("a name with a checksum");
        assert_eq!((promise.crc, promise.size), (0xa1b2_c3d4, None));
    }
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.to_string(), text);
    }
    if let Ok(platform) = text.parse::<Platform>() {
        assert_eq!(platform.to_string().parse().as_ref(), Ok(&platform));
    }
    file_name::parse(text);
}

/// Reads a Dockerfile and asks all there is to ask of it.
pub(super) fn dockerfile(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(file) = Dockerfile::parse(text) else { return };
    assert!(!file.stages.is_empty());
    let lines = text.lines().count().max(1);
    for stage in &file.stages {
        assert!(stage.line <= lines && stage.instructions.iter().all(|it| it.line <= lines));
    }
    let arguments = BTreeMap::from([("VERSION".to_owned(), "1.0".to_owned())]);
    file.variables(&arguments);
    file.froms(&arguments);
    file.copies_to("/meta");
}

/// Reads a `.dockerignore` file; the text behind a zero byte is a path it is asked about.
pub(super) fn dockerignore(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (rules, path) = text.split_once('\0').unwrap_or((text, "src/main.rs"));
    let Ok(ignore) = DockerIgnore::parse(rules) else { return };
    for path in [path, "Dockerfile", "a/b/c", ""] {
        ignore.excludes(path);
    }
    assert!(ignore.is_sent_anyway("Dockerfile"));
}

/// Reads a list of apps. One that is good is read again as it is shown.
pub(super) fn product_list(data: &[u8]) {
    match ProductList::parse("a list", data) {
        Err(fault) => assert!(!fault.to_string().contains('\u{1b}')),
        Ok(list) => {
            let again = ProductList::parse("a list", list.to_string().as_bytes()).expect("as it is shown");
            let entries = |list: &ProductList| {
                list.entries.iter().map(|entry| (entry.id.clone(), entry.reference.clone())).collect::<Vec<_>>()
            };
            assert_eq!(entries(&again), entries(&list));
        }
    }
}

/// Reads a database of DAM 1.x: `Repos`, a zero byte, `Apps`.
pub(super) fn legacy_db(data: &[u8]) {
    let at = data.iter().position(|&byte| byte == 0).unwrap_or(data.len());
    let folder = tempfile::tempdir().expect("a temp folder");
    fs::write(folder.path().join(legacy::REPOS), &data[..at]).expect("space");
    fs::write(folder.path().join(legacy::APPS), data.get(at + 1..).unwrap_or_default()).expect("space");
    let database = legacy::read(folder.path()).expect("readable").expect("both files are there");
    let lines = data.iter().filter(|&&byte| byte == b'\n').count() + 2;
    assert!(database.apps.len() + database.repos.len() + database.faults.len() <= lines);
    for app in &database.apps {
        assert_eq!(app.app.to_string().parse().as_ref(), Ok(&app.app));
    }
}
