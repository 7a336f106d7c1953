//! Build contexts: what of a folder is in them, and the tar an engine gets.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use dam_oci::context::{Context, Entry, EntryKind};
use dam_oci::{DockerIgnore, Error};
use tempfile::TempDir;

/// A folder with these files; a path that ends in a slash is an empty folder.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, content) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("below the folder")).expect("folders");
        if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
            fs::create_dir_all(&path).expect("a folder");
        } else {
            fs::write(&path, content).expect("a file");
        }
    }
    folder
}

fn scan(folder: &Path, ignore: &str) -> Context {
    Context::scan(folder, &DockerIgnore::parse(ignore).expect(ignore)).expect("a context")
}

fn paths(context: &Context) -> Vec<&str> {
    context.iter().map(|entry| entry.path.as_str()).collect()
}

fn tar(context: &Context) -> Vec<u8> {
    let mut bytes = Vec::new();
    context.write_tar(&mut bytes).expect("a tar");
    bytes
}

/// Reads a tar into lines such as `-644 a = content`.
fn lines(tar: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(tar);
    let mut lines = Vec::new();
    for entry in archive.entries().expect("a tar") {
        let mut entry = entry.expect("an entry");
        let mut content = String::new();
        entry.read_to_string(&mut content).expect("text");
        let header = entry.header();
        assert_eq!((header.mtime().unwrap(), header.uid().unwrap(), header.gid().unwrap()), (0, 0, 0));
        let kind = match header.entry_type() {
            tar::EntryType::Directory => 'd',
            tar::EntryType::Symlink => 'l',
            _ => '-',
        };
        let target = entry.link_name().expect("a target").map(|target| format!(" -> {}", target.display()));
        let path = entry.path().expect("a path").display().to_string();
        let content = if content.is_empty() { content } else { format!(" = {content}") };
        lines.push(format!("{kind}{:o} {path}{}{content}", header.mode().unwrap(), target.unwrap_or_default()));
    }
    lines
}

#[test]
fn a_folder_is_read_sorted_with_modes_and_links_as_they_are() {
    let folder = folder(&[("b/x", "bx"), ("a", "A"), ("b-c", "dash"), ("empty/", "")]);
    fs::set_permissions(folder.path().join("a"), Permissions::from_mode(0o4711)).expect("a mode");
    fs::set_permissions(folder.path().join("b"), Permissions::from_mode(0o1777)).expect("a mode");
    fs::set_permissions(folder.path().join("b/x"), Permissions::from_mode(0o600)).expect("a mode");
    fs::set_permissions(folder.path().join("b-c"), Permissions::from_mode(0o644)).expect("a mode");
    fs::set_permissions(folder.path().join("empty"), Permissions::from_mode(0o755)).expect("a mode");
    symlink("../../etc/passwd", folder.path().join("link")).expect("a link");
    symlink(".", folder.path().join("b/self")).expect("a link");
    let context = scan(folder.path(), "");
    let expected = [
        "-4711 a = A",
        "d1777 b/",
        "-644 b-c = dash",
        "l777 b/self -> .",
        "-600 b/x = bx",
        "d755 empty/",
        "l777 link -> ../../etc/passwd",
    ];
    assert_eq!(lines(&tar(&context)), expected);
}

#[test]
fn what_is_ignored_stays_out_and_the_dockerfile_goes_along_unseen() {
    let files =
        [("Dockerfile", ""), (".dockerignore", ""), ("src/a", ""), ("src/b", ""), ("src/keep/c", ""), ("x", "")];
    let folder = folder(&files);
    let context = scan(folder.path(), "*\n!src/a\n!src/keep");
    assert_eq!(paths(&context), [".dockerignore", "Dockerfile", "src", "src/a", "src/keep", "src/keep/c"]);
    let hidden: Vec<_> = context.iter().filter(|entry| entry.excluded).map(|entry| entry.path.as_str()).collect();
    assert_eq!(hidden, [".dockerignore", "Dockerfile"]);

    let ignore = DockerIgnore::parse("src").expect("a pattern").sending("src/a");
    let context = Context::scan(folder.path(), &ignore).expect("a context");
    assert_eq!(paths(&context), [".dockerignore", "Dockerfile", "src", "src/a", "x"]);
    assert!(context.get("src").expect("a folder").excluded);
}

#[test]
fn entries_are_put_in_and_taken_out() {
    let mut context = Context::new();
    context.insert(Entry::bytes("meta/install.exp", 0o755, "${X}"));
    assert_eq!(paths(&context), ["meta", "meta/install.exp"]);
    let before = context.replace("meta/install.exp", Entry::bytes("meta/install", 0o755, "x")).expect("was there");
    assert_eq!(before.path, "meta/install.exp");
    context.insert(Entry::symlink("meta/link", "install"));
    context.insert(Entry::folder("meta/sub", 0o700));
    assert_eq!(context.remove("meta/none"), None);
    assert!(matches!(context.get("meta/install").expect("there").kind, EntryKind::File { size: 1, .. }));
    let expected = ["d755 meta/", "-755 meta/install = x", "l777 meta/link -> install", "d700 meta/sub/"];
    assert_eq!(lines(&tar(&context)), expected);
}

#[test]
fn the_tar_does_not_depend_on_times_and_is_whole_for_long_names() {
    let long = format!("{}/{}/f", "d".repeat(120), "e".repeat(120));
    let folder = folder(&[(&long, "content"), ("g", &"g".repeat(600))]);
    let target = "t".repeat(150);
    symlink(&target, folder.path().join("link")).expect("a link");
    let first = tar(&scan(folder.path(), ""));
    let file = fs::File::options().write(true).open(folder.path().join("g")).expect("the file");
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).expect("a time");
    assert_eq!(tar(&scan(folder.path(), "")), first);
    let mut sizes = BTreeMap::new();
    for entry in tar::Archive::new(&first[..]).entries().expect("a tar") {
        let entry = entry.expect("an entry");
        sizes.insert(entry.path().expect("a path").display().to_string(), entry.size());
        if let Some(found) = entry.link_name().expect("a target") {
            assert_eq!(found.to_str(), Some(target.as_str()));
        }
    }
    assert_eq!((sizes[&long], sizes["g"], first.len() % 512), (7, 600, 0));
}

#[test]
fn a_file_that_changes_while_it_is_read_is_named() {
    let folder = folder(&[("log", "one")]);
    for now in ["on", "three"] {
        fs::write(folder.path().join("log"), "one").expect("a file");
        let context = scan(folder.path(), "");
        fs::write(folder.path().join("log"), now).expect("a file");
        let error = context.write_tar(&mut Vec::new()).expect_err("it changed");
        assert!(matches!(&error, Error::Access { path, .. } if path.ends_with("log")), "{error}");
    }
}

#[test]
fn sockets_are_left_out_and_pipes_refused() {
    let folder = folder(&[("a", "")]);
    let _socket = UnixListener::bind(folder.path().join("socket")).expect("a socket");
    assert_eq!(paths(&scan(folder.path(), "")), ["a"]);
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("pipe")).status();
    if made.is_ok_and(|status| status.success()) {
        let error = Context::scan(folder.path(), &DockerIgnore::default()).expect_err("a pipe");
        let path = folder.path().join("pipe");
        assert_eq!(error.to_string(), format!("the pipe `{}` in a build is not supported", path.display()));
        assert_eq!(paths(&scan(folder.path(), "pipe")), ["a"]);
    }
}

#[test]
fn a_missing_folder_is_named() {
    let error = Context::scan(Path::new("/nonexistent/app"), &DockerIgnore::default()).expect_err("no folder");
    assert_eq!(error.to_string(), "cannot access `/nonexistent/app`");
}

#[test]
fn guards_live_as_long_as_the_context() {
    let spool = tempfile::tempdir().expect("a temporary folder");
    let path = spool.path().join("big");
    fs::write(&path, "expanded").expect("a file");
    let mut context = Context::new();
    context.insert(Entry::disk("big", 0o644, 8, &path));
    context.keep(spool);
    assert_eq!(lines(&tar(&context)), ["-644 big = expanded"]);
    drop(context);
    assert!(!path.exists());
}
