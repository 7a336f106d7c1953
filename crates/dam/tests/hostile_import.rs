//! Bundles and lists of somebody who means harm: nothing of them becomes a path, a word of a shell, or a command for the
//! terminal.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::Path;

use dam_oci::archive::ArchiveWriter;
use support::Dam;
use support::product::{ProductApp, now, product};

/// What is put in the place of names and texts.
fn hostile() -> Vec<String> {
    let texts = [
        "\x1b[2J\x1b[31mevil",
        "\x1b]0;evil\x07",
        "\u{9b}31mevil",
        "evil\nerror: fake",
        "evil\r\x08\x08ok",
        "evil\u{202e}live",
        "evil\u{2066}\u{200f}",
        "evil;touch $STATE/evil",
        "$(touch $STATE/evil)",
        "`touch $STATE/evil`",
        "| touch $STATE/evil #",
        "../../evil",
        "../evil",
        "/tmp/dam-evil",
        "..",
        ".",
        "-rf",
        "--root=/evil",
        "",
        "evil evil",
        "evil\0evil",
    ];
    texts.map(str::to_owned).into_iter().chain([format!("evil{}", "x".repeat(300))]).collect()
}

/// Rewrites one member of a bundle.
fn rewritten(bundle: &[u8], member: &str, change: impl Fn(&str) -> String) -> Vec<u8> {
    let mut archive = tar::Archive::new(bundle);
    let mut out = ArchiveWriter::new(Vec::new());
    for entry in archive.entries().expect("a tar") {
        let mut entry = entry.expect("an entry");
        let name = entry.path().expect("a path").display().to_string();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("memory");
        if name == member {
            content = change(&String::from_utf8(content).expect("text")).into_bytes();
        }
        out.add_bytes(&name, &content).expect("memory");
    }
    out.finish().expect("memory")
}

/// Returns every path below a folder, but for the parts of dam's own state whose names are its own.
fn tree(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).expect("a folder") {
            let path = entry.expect("an entry").path();
            found.insert(path.strip_prefix(folder).expect("it is below").display().to_string());
            if path.is_dir() && !path.is_symlink() {
                open.push(path);
            }
        }
    }
    found
}

/// Runs dam and looks at every byte it says: nothing there commands a terminal. Returns whether it succeeded.
fn says_nothing_evil(dam: &Dam, words: &[&str], what: &str) -> bool {
    let output = dam.command("").args(words).output().expect("dam starts");
    for stream in [&output.stdout, &output.stderr] {
        let said = std::str::from_utf8(stream).unwrap_or_else(|_| panic!("{what}: {words:?} said no text"));
        let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let bad = said.chars().find(|&c| (c.is_control() && c != '\n') || turns(c));
        assert_eq!(bad, None, "{what}: {words:?} said {said:?}");
        // Foreign lines stand behind a bar, or in a text diff, which is indented.
        assert!(!said.lines().any(|line| line.starts_with("error: fake")), "{what}: {words:?} said {said}");
    }
    assert!(matches!(output.status.code(), Some(0..=2)), "{what}: {words:?} ended with {:?}", output.status);
    output.status.success()
}

/// Everything that reads a product, for people and for machines.
fn look_and_import(dam: &Dam, file: &str, what: &str) -> bool {
    for words in [
        &["info", file][..],
        &["info", file, "--json"],
        &["verify", file],
        &["diff", "installed", file],
        &["diff", "installed", file, "--hooks"],
        &["diff", "installed", file, "--json"],
        &["import", file, "--dry-run"],
        &["import", file, "--dry-run", "--json"],
    ] {
        says_nothing_evil(dam, words, what);
    }
    let done = says_nothing_evil(dam, &["import", file, "--yes"], what);
    for words in [&["list"][..], &["list", "--json"], &["list", "--raw"], &["history"], &["history", "--json"]] {
        assert!(says_nothing_evil(dam, words, what), "{what}: {words:?}");
    }
    done
}

/// No name of the bundle has become a path anywhere below the folder dam runs in, or the one above it.
fn nothing_evil_is_there(dam: &Dam, before: &BTreeSet<String>, what: &str) {
    let new: Vec<String> = tree(&dam.path("")).difference(before).cloned().collect();
    let evil = new.iter().find(|path| path.contains("evil") || path.contains('\x1b') || path.contains("-rf"));
    assert_eq!(evil, None, "{what}: {new:?}");
    for place in ["../evil", "../../evil", "/tmp/dam-evil", "state/evil"] {
        assert!(!dam.path(place).exists(), "{what}: {place}");
    }
}

fn json_text(text: &str) -> String {
    let quoted = serde_json::to_string(text).expect("text");
    quoted[1..quoted.len() - 1].to_owned()
}

/// A machine with three apps, on which hostile products are tried, one after the other.
fn machine() -> Dam {
    let dam = Dam::in_memory().file("now.dam", now());
    let _ = dam.run("import now.dam --yes").success();
    dam
}

#[test]
fn names_in_the_documents_of_a_bundle() {
    let good =
        product(&[ProductApp::new("shop:2").file("meta/DESCRIPTION", "Sells things."), ProductApp::new("till:1")]);
    let dam = machine().file("evil-product.dam", &good);
    let before = tree(&dam.path(""));
    let running = dam.state().running;
    let places = [
        ("dam.json", r#""name":"shop""#, r#""name":"%""#),
        ("dam.json", r#""version":"2""#, r#""version":"%""#),
        ("dam.json", r#""family":"shop""#, r#""family":"%""#),
        ("dam.json", r#""reference":"shop:2""#, r#""reference":"%""#),
        ("dam.json", r#""reference":"shop:2""#, r#""reference":"%/shop:2""#),
        ("dam.json", r#""servers":[]"#, r#""servers":["%"]"#),
        ("dam.json", r#""description":"Sells things.""#, r#""description":"%""#),
        ("dam.json", r#""install""#, r#""%""#),
        ("index.json", "docker.io/library/shop:2", "%"),
        ("manifest.json", r#""shop:2""#, r#""%""#),
        ("manifest.json", "blobs/sha256/", "%"),
        ("app_list", "shop:2", "%:%"),
    ];
    for (member, from, to) in places {
        for text in hostile() {
            let what = format!("{to} in {member} is {text:?}");
            let quoted = if member == "app_list" { text.clone() } else { json_text(&text) };
            let changed = rewritten(&good, member, |whole| {
                assert!(whole.contains(from), "{member} has no {from}: {whole}");
                whole.replacen(from, &to.replace('%', &quoted), 1)
            });
            fs::write(dam.path("evil-product.dam"), changed).expect("space");
            let done = says_nothing_evil(&dam, &["import", "evil-product.dam", "--yes"], &what);
            if done {
                let _ = dam.run("import now.dam --yes").success();
            }
            nothing_evil_is_there(&dam, &before, &what);
            assert_eq!(dam.state().running, running, "{what}");
        }
    }
}

#[test]
fn texts_labels_and_files_of_an_app() {
    let dam = machine();
    let before = tree(&dam.path(""));
    for text in hostile() {
        let said = text.replace(['\\', '\'', '\0', '\n'], "");
        let says = format!("cat <<'END'\n{said}\nEND\ncat >&2 <<'END'\n{said}\nEND");
        let mut app = ProductApp::new("shop:2")
            .file("meta/DESCRIPTION", format!("{text}\nSells {text} things.\n"))
            .file("meta/config", format!("{text}\n"))
            .label("DAM_APP_SERVERS", &format!("{text},plant:5000"))
            .label("DAM_APP_NAME", &text)
            .label("DAM_APP_VERSION", &text)
            .before("install", &says)
            .before("uninstall", &says)
            .before("health", &says);
        let name: String = text.chars().filter(|c| !matches!(c, '/' | '\0')).take(200).collect();
        if !matches!(name.trim_matches('.'), "") {
            app = app.file(&format!("meta/{name}"), "port 80\n");
        }
        fs::write(dam.path("product.dam"), product(&[app, ProductApp::new("till:1")])).expect("space");
        let what = format!("an app says {text:?}");
        assert!(look_and_import(&dam, "product.dam", &what), "{what}: an app may say what it likes");
        assert!(says_nothing_evil(&dam, &["info", "shop"], &what));
        assert!(says_nothing_evil(&dam, &["history", "shop", "--log"], &what));
        let _ = dam.run("import now.dam --yes").success();
        let _ = dam.run("purge --all --keep 0 --yes").success();
        nothing_evil_is_there(&dam, &before, &what);
    }
}

#[test]
fn lines_of_a_list() {
    let dam = machine();
    let before = tree(&dam.path(""));
    let state = dam.state();
    for text in hostile().into_iter().filter(|text| !text.is_empty()) {
        let what = format!("a line is {text:?}");
        fs::write(dam.path("list.txt"), format!("till:1\n{text}\n{text}:1\nshop:{text}\n")).expect("space");
        assert!(!look_and_import(&dam, "list.txt", &what), "{what}: no such app is anywhere");
        assert_eq!(dam.state(), state, "{what}");
        nothing_evil_is_there(&dam, &before, &what);
    }
}

#[test]
fn the_name_of_the_file_itself() {
    let dam = machine();
    let mut state = dam.state();
    for name in hostile().into_iter().filter(|name| !matches!(&**name, "" | "." | "..") && name.len() < 200) {
        let name: String = name.chars().filter(|c| !matches!(c, '/' | '\0')).collect();
        let path = dam.path(&name);
        for content in [&b"no bundle"[..], b"\x1f\x8b no bundle", b"till:1\nnone:1\n"] {
            fs::write(&path, content).expect("a file");
            let given = format!("./{name}");
            let what = format!("a file is called {name:?}");
            for words in [&["info", &given][..], &["verify", &given], &["import", &given, "--yes"]] {
                says_nothing_evil(&dam, words, &what);
            }
            assert_eq!(dam.state(), state, "{what}");
        }
        fs::write(&path, now()).expect("a file");
        assert!(says_nothing_evil(&dam, &["import", &format!("./{name}"), "--restore", "--yes"], &name));
        assert!(says_nothing_evil(&dam, &["history"], &name) && says_nothing_evil(&dam, &["list"], &name));
        fs::remove_file(path).expect("ours");
        assert!(!dam.path("state/evil").exists(), "{name:?}");
        state = dam.state();
    }
}
