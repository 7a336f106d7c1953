//! Runs the program in a world of its own: an empty environment, a root that is thrown away, no daemon.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use snapbox::IntoData;
use tempfile::TempDir;

/// A dam to be run.
pub(crate) struct Dam {
    folder: TempDir,
    variables: Vec<(String, String)>,
    stores: bool,
}

impl Dam {
    /// A dam with an empty home and an empty root.
    pub(crate) fn new() -> Self {
        let folder = TempDir::with_prefix("dam-test-").expect("a temp folder");
        let home = folder.path().join("home");
        std::fs::create_dir(&home).expect("a home");
        std::fs::write(folder.path().join("config.toml"), "").expect("empty settings");
        let dam = Self { folder, variables: Vec::new(), stores: true };
        let (home, config) = (dam.path("home"), dam.path("config.toml"));
        dam.variable("HOME", &text(&home)).variable("DAM_CONFIG", &text(&config))
    }

    /// Sets a variable; the last wins.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
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
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        std::fs::write(self.path(name), text).expect("a file");
        self
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
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("dam"));
        command.args(line.split(' ').filter(|word| !word.is_empty()));
        command.env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        if self.stores {
            command.env("DAM_ROOT", self.root()).env("DAM_STORE", "layout");
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
        let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&text(self.folder.path()), "[FOLDER]");
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

    /// Returns the answer.
    pub(crate) fn text(&self) -> &str {
        &self.stdout
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("temp folders have plain names").to_owned()
}
