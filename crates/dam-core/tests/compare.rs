//! The difference between two kept `/meta`s, as it is shown before an upgrade.

use std::io::Write;

use dam_core::Error;
use dam_core::compare::{FileChange, TEXT_LIMIT, TOTAL_LIMIT, hooks};
use dam_core::meta::{Keep, MetaError};
use dam_oci::Digest;

/// A `/meta` under construction.
#[derive(Default)]
struct Meta(Vec<(String, Kind)>);

enum Kind {
    File(u32, Vec<u8>),
    Link(String),
}

impl Meta {
    fn mode(mut self, name: &str, mode: u32, content: impl AsRef<[u8]>) -> Self {
        self.0.push((name.to_owned(), Kind::File(mode, content.as_ref().to_vec())));
        self
    }

    fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.mode(name, 0o644, content)
    }

    fn link(mut self, name: &str, target: &str) -> Self {
        self.0.push((name.to_owned(), Kind::Link(target.to_owned())));
        self
    }

    fn tar(&self) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, kind) in &self.0 {
            let name = format!("meta/{name}");
            let mut header = tar::Header::new_gnu();
            let added = match kind {
                Kind::File(mode, content) => {
                    header.set_mode(*mode);
                    header.set_size(content.len() as u64);
                    tar.append_data(&mut header, name, &content[..])
                }
                Kind::Link(target) => {
                    header.set_entry_type(tar::EntryType::Symlink);
                    header.set_mode(0o777);
                    header.set_size(0);
                    tar.append_link(&mut header, name, target)
                }
            };
            added.expect("memory does not fail");
        }
        tar.into_inner().expect("memory does not fail")
    }
}

struct Test {
    root: tempfile::TempDir,
    keep: Keep,
}

impl Test {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let keep = Keep::open(root.path()).expect("a folder");
        Self { root, keep }
    }

    fn keep(&self, meta: &Meta) -> Digest {
        let tar = meta.tar();
        let kept = self.keep.keep(&mut |out: &mut dyn Write| {
            out.write_all(&tar).expect("a disk with room");
            Ok(true)
        });
        kept.expect("a good /meta").expect("one").digest
    }

    fn changes(&self, old: &Meta, new: &Meta) -> Vec<FileChange> {
        hooks(&self.keep, Some(&self.keep(old)), Some(&self.keep(new))).expect("both are kept")
    }
}

fn changes(old: &Meta, new: &Meta) -> Vec<FileChange> {
    Test::new().changes(old, new)
}

fn shop() -> Meta {
    Meta::default().mode("install", 0o755, "#!/bin/sh\ndocker run shop\n").mode("uninstall", 0o755, "#!/bin/sh\n")
}

/// Returns `path +added -removed` of each change.
fn summary(changes: &[FileChange]) -> Vec<String> {
    let line = |change: &FileChange| match change.diff {
        Some(_) => format!("{} +{} -{}", change.path, change.added, change.removed),
        None => format!("{} differs", change.path),
    };
    changes.iter().map(line).collect()
}

#[test]
fn what_is_the_same_is_left_out() {
    assert_eq!(changes(&shop(), &shop()), []);
    let test = Test::new();
    assert_eq!(hooks(&test.keep, None, None).expect("nothing to read"), []);
}

#[test]
fn a_changed_script_is_shown_with_three_lines_around() {
    let script = |port: u32| {
        let body: String = (1..=9).map(|line| format!("echo {line}\n")).collect();
        format!("#!/bin/sh\n{body}docker run -p {port} shop\necho done\n")
    };
    let meta = |port| Meta::default().mode("install", 0o755, script(port));
    let [change] = &changes(&meta(80), &meta(8080))[..] else { panic!("one file has changed") };
    assert_eq!((change.path.as_str(), change.added, change.removed), ("install", 1, 1));
    assert_eq!(
        change.diff.as_deref(),
        Some(
            "--- a/meta/install\n\
             +++ b/meta/install\n\
             @@ -8,5 +8,5 @@\n \
             echo 7\n \
             echo 8\n \
             echo 9\n\
             -docker run -p 80 shop\n\
             +docker run -p 8080 shop\n \
             echo done\n"
        )
    );
}

#[test]
fn scripts_come_first_then_the_rest_by_name() {
    let old = shop().file("DESCRIPTION", "A shop.\n").file("config/b", "1\n").file("config/a", "1\n");
    let new = Meta::default()
        .mode("health", 0o755, "#!/bin/sh\ncurl localhost\n")
        .mode("check", 0o755, "#!/bin/sh\n")
        .mode("install", 0o755, "#!/bin/sh\ndocker run -d shop\n")
        .file("DESCRIPTION", "The shop.\n")
        .file("config/a", "1\n2\n");
    assert_eq!(
        summary(&changes(&old, &new)),
        [
            "check +1 -0",
            "install +1 -1",
            "uninstall +0 -1",
            "health +2 -0",
            "DESCRIPTION +1 -1",
            "config/a +1 -0",
            "config/b +0 -1"
        ]
    );
}

#[test]
fn against_nothing_all_is_new_or_gone() {
    let test = Test::new();
    let kept = test.keep(&Meta::default().mode("install", 0o755, "one\ntwo"));
    let of = |old, new| hooks(&test.keep, old, new).expect("it is kept").remove(0).diff.expect("text");
    assert_eq!(
        of(None, Some(&kept)),
        "new file mode 100755\n--- /dev/null\n+++ b/meta/install\n@@ -0,0 +1,2 @@\n+one\n+two\n\\ No newline at end of file\n"
    );
    assert_eq!(
        of(Some(&kept), None),
        "deleted file mode 100755\n--- a/meta/install\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-one\n-two\n\
         \\ No newline at end of file\n"
    );
}

#[test]
fn a_new_mode_and_a_link_in_place_of_a_file_are_changes() {
    let old = Meta::default().mode("install", 0o644, "x\n").file("conf", "port=80\n").link("data", "/srv/a");
    let new = Meta::default().mode("install", 0o755, "x\n").link("conf", "install").link("data", "/srv/b");
    let changes = changes(&old, &new);
    assert_eq!(summary(&changes), ["install +0 -0", "conf +1 -1", "data +1 -1"]);
    let diffs: Vec<&str> = changes.iter().filter_map(|change| change.diff.as_deref()).collect();
    assert_eq!(diffs[0], "old mode 100644\nnew mode 100755\n");
    assert_eq!(
        diffs[1],
        "old mode 100644\nnew mode 120000\n--- a/meta/conf\n+++ b/meta/conf\n@@ -1 +1 @@\n-port=80\n+install\n\
         \\ No newline at end of file\n"
    );
}

#[test]
fn of_what_is_no_text_it_is_only_said_that_it_differs() {
    let long = "x\n".repeat(TEXT_LIMIT as usize / 2 + 1);
    let mut other = long.clone().into_bytes();
    *other.last_mut().expect("long") = b'y';
    let old =
        Meta::default().file("key", b"\0\x01").file("latin", b"gr\xf6\xdfe").file("long", &long).file("same", &long);
    let new = Meta::default().file("key", b"\0\x02").file("latin", "größe").file("long", &other).file("same", &long);
    assert_eq!(summary(&changes(&old, &new)), ["key differs", "latin differs", "long differs"]);
}

#[test]
fn a_mountain_of_files_is_not_compared_to_its_end() {
    let text = |letter: &str| letter.repeat(TEXT_LIMIT as usize);
    let meta = |letter: &str| {
        (0..40).fold(Meta::default(), |meta, number| meta.file(&format!("file-{number:02}"), text(letter)))
    };
    let changes = changes(&meta("a"), &meta("b"));
    let shown = changes.iter().filter(|change| change.diff.is_some()).count();
    assert_eq!((changes.len(), shown as u64), (40, TOTAL_LIMIT / TEXT_LIMIT / 2));
}

#[test]
fn noise_does_not_take_minutes() {
    let noise = |mut seed: u32| -> String {
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if seed >> 31 == 0 { "a\n" } else { "b\n" }
        };
        (0..TEXT_LIMIT / 2).map(|_| next()).collect()
    };
    let [change] = &changes(&Meta::default().file("x", noise(1)), &Meta::default().file("x", noise(2)))[..] else {
        panic!("one file has changed")
    };
    assert_eq!(change.added, change.removed, "both have the same length");
}

#[test]
fn names_and_returns_cannot_pass_for_lines_of_the_difference() {
    let old = Meta::default().file("a", "good\n");
    let new = Meta::default().file("a", "good\revil\n").file("x\n+y", "1\n");
    let changes = changes(&old, &new);
    assert_eq!(changes[1].path, "x\\n+y");
    let diff = changes[0].diff.as_deref().expect("text");
    let lines: Vec<&str> = diff.split(['\r', '\n']).filter(|line| !line.is_empty()).skip(3).collect();
    assert!(lines.iter().all(|line| line.starts_with(['+', '-', ' ', '\\'])), "{diff:?}");
}

#[test]
fn a_lost_copy_is_an_error() {
    let test = Test::new();
    let kept = test.keep(&shop());
    let lost = Digest::of(b"lost");
    let error = hooks(&test.keep, Some(&kept), Some(&lost)).expect_err("it is not there");
    assert!(matches!(error, Error::Meta(MetaError::Gone { .. })), "{error}");
    drop(test.root);
}
