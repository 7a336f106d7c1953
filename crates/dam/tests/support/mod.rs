//! Runs the program in a world of its own: an empty environment, a root that is thrown away, no daemon.

#![allow(dead_code, reason = "each test file uses a part of it")]

mod app;
mod disk;
pub(crate) mod home;
pub(crate) mod product;
pub(crate) mod site;
mod state;
pub(crate) mod terminal;

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use dam_oci::testing::{ArchiveForm, ImageBuilder, archive};
use snapbox::IntoData;
use tempfile::TempDir;

pub(crate) use app::App;
use disk::Disk;
pub(crate) use state::State;

/// The user and the group `nobody`.
const NOBODY: u32 = 65534;

/// A dam to be run.
pub(crate) struct Dam {
    folder: TempDir,
    variables: Vec<(String, String)>,
    stores: bool,
    /// What dam is started by: a program and its arguments.
    starter: Vec<String>,
    disk: Option<Disk>,
}

impl Dam {
    /// A dam with an empty home and an empty root.
    pub(crate) fn new() -> Self {
        Self::inside(TempDir::with_prefix("dam-test-").expect("a temp folder"))
    }

    /// The same in memory, where there is such a place: for a test that starts dam hundreds of times and pulls no plug, so
    /// that nothing needs to reach a disk.
    pub(crate) fn in_memory() -> Self {
        let folder = TempDir::with_prefix_in("dam-test-", "/dev/shm");
        folder.map_or_else(|_| Self::new(), Self::inside)
    }

    fn inside(folder: TempDir) -> Self {
        let home = folder.path().join("home");
        std::fs::create_dir(&home).expect("a home");
        std::fs::create_dir(folder.path().join("state")).expect("a folder for what runs");
        std::fs::write(folder.path().join("config.toml"), "").expect("empty settings");
        let dam = Self { folder, variables: Vec::new(), stores: true, starter: Vec::new(), disk: None };
        let (home, config, state) = (dam.path("home"), dam.path("config.toml"), dam.path("state"));
        dam.variable("HOME", &text(&home))
            .variable("DAM_CONFIG", &text(&config))
            .variable("STATE", &text(&state))
            .variable("DAM_STORE", "layout")
            // What is not in the store must not be asked of Docker Hub.
            .variable("DAM_OFFLINE", "1")
    }

    /// Sets a variable; the last wins.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Lets it ask registries, which a test starts on this machine.
    pub(crate) fn online(self) -> Self {
        self.without("DAM_OFFLINE")
    }

    /// Takes a variable away.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self
    }

    /// Leaves `--root` and `--store` out.
    pub(crate) fn without_root(mut self) -> Self {
        self.stores = false;
        self
    }

    /// Writes a file into the folder dam runs in.
    pub(crate) fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        std::fs::write(self.path(name), content).expect("a file");
        self
    }

    /// Writes the folder of an app, and makes no image of it.
    pub(crate) fn project(self, folder: &str, change: impl FnOnce(App) -> App) -> Self {
        change(App::new()).write(&self.path(folder));
        self
    }

    /// Makes an app, from the folder `NAME-VERSION`, in the store.
    pub(crate) fn app(self, name: &str, version: &str, change: impl FnOnce(App) -> App) -> Self {
        let folder = format!("{name}-{version}");
        let dam = self.project(&folder, change);
        let _ = dam.run(&format!("create {folder} --name {name} --version {version}")).success();
        dam
    }

    /// Makes an app and installs it.
    pub(crate) fn installed(self, name: &str, version: &str, change: impl FnOnce(App) -> App) -> Self {
        let dam = self.app(name, version, change);
        let _ = dam.run(&format!("install {name}:{version} --yes")).success();
        dam
    }

    /// Writes an image archive as another tool does.
    pub(crate) fn archive(self, file: &str, form: ArchiveForm, image: ImageBuilder, names: &[&str]) -> Self {
        let bytes = archive(form, &[(&image.build(), names)]);
        self.file(file, bytes)
    }

    /// Returns the version of an app that runs, by the note its hooks keep.
    pub(crate) fn running(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.path("state").join(name)).ok()
    }

    /// Returns all that a change may touch, where the images are in the built-in store.
    pub(crate) fn state(&self) -> State {
        State::of(&self.root(), &self.path("state"))
    }

    /// Says of everything in the folder dam runs in how long and how old it is, but for the locks, the caches, the
    /// kept copies of `/meta` and what SQLite keeps beside the ledger. Two of them tell whether something was changed.
    pub(crate) fn traces(&self) -> BTreeMap<String, String> {
        let mut traces = BTreeMap::new();
        self.trace(Path::new(""), &mut traces);
        traces
    }

    fn trace(&self, folder: &Path, traces: &mut BTreeMap<String, String>) {
        for entry in std::fs::read_dir(self.folder.path().join(folder)).expect("a folder") {
            let entry = entry.expect("an entry");
            let (path, known) = (folder.join(entry.file_name()), entry.metadata().expect("its facts"));
            let name = text(&path);
            let own = ["root/cache", "root/meta", "root/ledger.db-shm", "root/ledger.db-wal"];
            if own.contains(&&*name) || name.ends_with("lock") {
                continue;
            }
            if known.is_dir() {
                traces.insert(name, "folder".to_owned());
                self.trace(&path, traces);
            } else {
                traces.insert(name, format!("{} bytes, {}.{}", known.size(), known.mtime(), known.mtime_nsec()));
            }
        }
    }

    /// Nothing is installed, nothing is in the store, nothing runs. Kept copies of `/meta` may stay until the next `purge`.
    pub(crate) fn is_empty(&self) {
        let _ = self.run("list").success().stdout("no app is installed\n");
        let images = self.run("purge --all --dry-run --json").success().json();
        assert_eq!(images, serde_json::json!({ "remove": [], "installed": 0, "previous": 0, "spared": 0 }));
        assert_eq!(std::fs::read_dir(self.path("state")).expect("a folder").count(), 0, "something runs");
        for folder in ["store/blobs/sha256", "store/ingest", "run", "tmp"] {
            let names = std::fs::read_dir(self.root().join(folder)).into_iter().flatten();
            let names: Vec<_> = names.map(|entry| entry.expect("an entry").file_name()).collect();
            assert!(names.is_empty(), "{folder} holds {names:?}");
        }
    }

    /// Runs dam as a user who may do nothing but in the folder it runs in. Whoever is not root stays who he is.
    pub(crate) fn of_nobody(mut self) -> Self {
        if !rustix::process::geteuid().is_root() {
            return self;
        }
        let program = self.path("dam");
        // The folder of the build may be out of a stranger's reach.
        std::fs::copy(assert_cmd::cargo::cargo_bin!("dam"), &program).expect("space");
        self.give(self.folder.path());
        let setpriv = dam_oci::testing::find_program("setpriv").expect("setpriv, of util-linux");
        self.starter = vec![text(&setpriv)];
        self.starter.extend(["--reuid=65534", "--regid=65534", "--clear-groups"].map(Into::into));
        self
    }

    fn give(&self, path: &Path) {
        lchown(path, Some(NOBODY), Some(NOBODY)).expect("root may");
        if path.is_dir() && !path.is_symlink() {
            let names = std::fs::read_dir(path).expect("a folder");
            names.for_each(|entry| self.give(&entry.expect("an entry").path()));
        }
    }

    fn program(&self) -> PathBuf {
        let copy = self.path("dam");
        if copy.is_file() { copy } else { assert_cmd::cargo::cargo_bin!("dam").to_owned() }
    }

    /// Has another program start dam: this one with these words, followed by what is started.
    pub(crate) fn started_by(mut self, words: &[&str]) -> Self {
        self.starter.splice(0..0, words.iter().map(|word| (*word).to_owned()));
        self
    }

    /// Puts a disk of so many bytes, which only dam sees, in the place of a folder, which is made.
    pub(crate) fn small_disk(mut self, folder: &str, bytes: u64) -> Self {
        let folder = self.path(folder);
        std::fs::create_dir(&folder).expect("a folder");
        let disk = Disk::mount(&folder, bytes);
        self.starter = disk.starter(self.folder.path());
        self.disk = Some(disk);
        self
    }

    /// Puts a stick with one file, `stick/NAME`, into the folder dam runs in; only dam sees it.
    pub(crate) fn stick(mut self, name: &str, content: &[u8]) -> Self {
        let (folder, files) = (self.path("stick"), self.path("files-of-the-stick"));
        std::fs::create_dir(&folder).and_then(|()| std::fs::create_dir(&files)).expect("folders");
        std::fs::write(files.join(name), content).expect("space");
        let disk = Disk::stick(&folder, &self.path("stick-image"), &files);
        self.starter = disk.starter(self.folder.path());
        self.disk = Some(disk);
        self
    }

    /// Returns the small disk, or the stick.
    pub(crate) fn disk(&self) -> &Disk {
        self.disk.as_ref().expect("there is a small disk")
    }

    /// Returns a path in the folder dam runs in.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the root, which need not be there.
    pub(crate) fn root(&self) -> PathBuf {
        self.path("root")
    }

    /// Returns the command for a line, whose words are parted by spaces.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut words = self.starter.iter().cloned().chain([text(&self.program())]);
        let mut command = Command::new(words.next().expect("dam, if nothing else"));
        command.args(words).args(line.split(' ').filter(|word| !word.is_empty()));
        command.env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        if self.stores {
            command.env("DAM_ROOT", self.root());
        }
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// Runs a line.
    #[must_use = "say how it should end"]
    pub(crate) fn run(&self, line: &str) -> Run {
        self.finish(self.command(line), line)
    }

    /// Runs a command made by [`Dam::command`].
    #[must_use = "say how it should end"]
    pub(crate) fn finish(&self, mut command: Command, line: &str) -> Run {
        let output = command.output().expect("dam starts");
        let shown = |bytes: &[u8]| {
            let shown = String::from_utf8_lossy(bytes).replace(&text(self.folder.path()), "[FOLDER]");
            without_room(&without_waits(&without_times(&shown)))
        };
        let (stdout, stderr) = (shown(&output.stdout), shown(&output.stderr));
        Run { line: line.to_owned(), code: output.status.code(), stdout, stderr }
    }
}

/// What a run came to.
pub(crate) struct Run {
    line: String,
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Run {
    /// It ended with 0.
    pub(crate) fn success(self) -> Self {
        self.code(0)
    }

    /// Tells whether it ended with 0.
    pub(crate) fn is_success(&self) -> bool {
        self.code == Some(0)
    }

    /// It ended with 1.
    pub(crate) fn failure(self) -> Self {
        self.code(1)
    }

    /// It ended with 2.
    pub(crate) fn misuse(self) -> Self {
        self.code(2)
    }

    /// It ended with `code`.
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "dam {}\n{}{}", self.line, self.stdout, self.stderr);
        self
    }

    /// It printed exactly this answer.
    pub(crate) fn stdout(self, expected: impl IntoData) -> Self {
        snapbox::assert_data_eq!(self.stdout.clone(), expected.raw());
        self
    }

    /// It said exactly this.
    pub(crate) fn stderr(self, expected: impl IntoData) -> Self {
        snapbox::assert_data_eq!(self.stderr.clone(), expected.raw());
        self
    }

    /// It said this among other things.
    pub(crate) fn said(self, part: &str) -> Self {
        assert!(self.stderr.contains(part), "dam {} said\n{}", self.line, self.stderr);
        self
    }

    /// It ended with 1 and exactly this error, whatever it said before.
    pub(crate) fn error(self, expected: impl IntoData) -> Self {
        let run = self.failure();
        let from = run.stderr.find("error: ").unwrap_or_else(|| panic!("dam {}: {}", run.line, run.stderr));
        snapbox::assert_data_eq!(run.stderr[from..].to_owned(), expected.raw());
        run
    }

    /// It printed no answer.
    pub(crate) fn no_stdout(self) -> Self {
        assert_eq!(self.stdout, "", "dam {}", self.line);
        self
    }

    /// It said nothing.
    pub(crate) fn no_stderr(self) -> Self {
        assert_eq!(self.stderr, "", "dam {}", self.line);
        self
    }

    /// Returns the answer, read as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|fault| panic!("{fault}: {}", self.stdout))
    }

    /// Returns what it said.
    pub(crate) fn talk(&self) -> &str {
        &self.stderr
    }

    /// Returns the answer.
    pub(crate) fn text(&self) -> &str {
        &self.stdout
    }
}

/// Replaces moments such as `2026-11-22T00:03:20Z`.
fn without_times(text: &str) -> String {
    let like = |bytes: &[u8]| {
        bytes.iter().zip(b"0000-00-00T00:00:00Z").all(|(byte, like)| match like {
            b'0' => byte.is_ascii_digit(),
            _ => byte == like,
        })
    };
    let mut rest = text;
    let mut shown = String::new();
    while let Some(at) = rest.as_bytes().windows(20).position(like) {
        shown += &rest[..at];
        shown += "[TIME]";
        rest = &rest[at + 20..];
    }
    shown + rest
}

/// Replaces the seconds in `healthy after 0.1 s`.
fn without_waits(text: &str) -> String {
    let mut parts = text.split("healthy after ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |shown, part| {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        shown + "healthy after [TIME]" + rest
    })
}

fn text(path: &Path) -> String {
    path.to_str().expect("temp folders have plain names").to_owned()
}

/// Replaces what is free on a disk, such as `22.6 GB free on`.
fn without_room(text: &str) -> String {
    let mut shown = String::new();
    for line in text.split_inclusive('\n') {
        match line.split_once(", ").zip(line.find(" free on ")) {
            Some(((needs, _), free)) if line.contains("space: needs ") => {
                shown += &format!("{needs}, [ROOM]{}", &line[free..]);
            }
            _ => shown += line,
        }
    }
    shown
}
