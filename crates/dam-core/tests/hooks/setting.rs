//! What the tests of hooks stand on. Nothing here waits for ever, and no process outlives its test.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{self, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use dam_core::app::{App, HookName, Version, describe};
use dam_core::event::{Reporter, Silent};
use dam_core::hooks::{HookEnd, HookError, HookRun, Hooks, ProcessHooks};
use dam_core::meta::{Keep, KeptMeta};
use dam_core::{Cancel, Error};
use rustix::process::{Pid, Signal, kill_process};

/// How long a hook or another process may take before the test fails.
const DEADLINE: Duration = Duration::from_secs(30);
const TICK: Duration = Duration::from_millis(10);

/// An app whose `/meta` a test writes file by file, and the root it is kept in.
pub(crate) struct Test {
    pub(crate) root: tempfile::TempDir,
    tar: tar::Builder<Vec<u8>>,
    timeout: Duration,
    grace: Duration,
    pub(crate) old_version: Option<Version>,
    pub(crate) undo: bool,
    pub(crate) cancel: Cancel,
}

impl Test {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().expect("a temp folder");
        let tar = tar::Builder::new(Vec::new());
        let (timeout, grace) = (DEADLINE, Duration::from_secs(5));
        Self { root, tar, timeout, grace, old_version: None, undo: false, cancel: Cancel::default() }
    }

    pub(crate) fn file(mut self, name: &str, mode: u32, content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref();
        let mut header = tar::Header::new_ustar();
        header.set_mode(mode);
        header.set_size(content.len() as u64);
        self.tar.append_data(&mut header, format!("meta/{name}"), content).expect("memory does not fail");
        self
    }

    pub(crate) fn link(mut self, name: &str, target: &str) -> Self {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_mode(0o777);
        header.set_size(0);
        self.tar.append_link(&mut header, format!("meta/{name}"), target).expect("memory does not fail");
        self
    }

    /// An `install` run by `/bin/sh`; `$ROOT` is the folder a test looks at.
    pub(crate) fn install(self, script: &str) -> Self {
        let script = format!("#!/bin/sh\nROOT={}\n{script}\n", self.root.path().display());
        self.file("install", 0o755, script)
    }

    pub(crate) fn timeout(mut self, milliseconds: u64) -> Self {
        self.timeout = Duration::from_millis(milliseconds);
        self
    }

    /// Gives what ignores SIGTERM hardly any time.
    pub(crate) fn impatient(mut self) -> Self {
        self.grace = Duration::from_millis(300);
        self
    }

    /// Keeps the `/meta` where [`kept_here`] of another process finds it.
    pub(crate) fn keep_for_another(&mut self) {
        let digest = self.keep().digest.to_string();
        fs::write(self.root.path().join("meta-digest"), digest).expect("a write");
    }

    pub(crate) fn keep(&mut self) -> KeptMeta {
        self.tar.finish().expect("memory does not fail");
        let tar = self.tar.get_ref();
        let mut fill = |out: &mut dyn Write| {
            out.write_all(tar).expect("a spool");
            Ok(true)
        };
        let keep = Keep::open(self.root.path()).expect("a keep");
        keep.keep(&mut fill).expect("a sound /meta").expect("a /meta")
    }

    pub(crate) fn try_run(&mut self, hook: HookName, reporter: &dyn Reporter) -> Result<HookEnd, Error> {
        let meta = self.keep();
        let app = app(&meta);
        let run = HookRun {
            timeout: Some(self.timeout),
            old_version: self.old_version.as_ref(),
            undo: self.undo,
            ..HookRun::new(&app, hook, meta.digest)
        };
        hooks(self.root.path()).with_grace(self.grace).run(&run, &self.cancel, reporter)
    }

    pub(crate) fn run(&mut self) -> HookEnd {
        self.try_run(HookName::Install, &Silent).expect("it ran")
    }

    pub(crate) fn fault(&mut self) -> HookError {
        match self.try_run(HookName::Install, &Silent) {
            Err(Error::Hook(fault)) => fault,
            other => panic!("{other:?}"),
        }
    }

    /// Reads what a hook wrote to `$ROOT/name`.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.root.path().join(name)).expect("the hook wrote it")
    }

    /// Names what is left below `run/`.
    pub(crate) fn copies(&self) -> Vec<String> {
        let entries = fs::read_dir(self.root.path().join("run")).expect("hooks ran");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }
}

impl Drop for Test {
    /// Ends what a hook started, were it in sessions of its own: it works below this test's folder, as nobody else does.
    fn drop(&mut self) {
        let Ok(root) = self.root.path().canonicalize() else { return };
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let pid = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
            let works_here = fs::read_link(entry.path().join("cwd")).is_ok_and(|folder| folder.starts_with(&root));
            if let (Some(pid), true) = (pid, works_here) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
}

/// A process that ends with the test, whatever the test's own end.
pub(crate) struct Child(pub(crate) process::Child);

impl Child {
    /// Waits for its end; fails after [`DEADLINE`].
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().expect("a child") {
                return status;
            }
            assert!(started.elapsed() < DEADLINE, "the child hangs");
            thread::sleep(TICK);
        }
    }

    pub(crate) fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits until `seen` returns true; fails after [`DEADLINE`].
pub(crate) fn wait_until(what: &str, mut seen: impl FnMut() -> bool) {
    let started = Instant::now();
    while !seen() {
        assert!(started.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        thread::sleep(TICK);
    }
}

pub(crate) fn app(meta: &KeptMeta) -> App {
    let all = KeptMeta { hooks: HookName::ALL.to_vec(), ..meta.clone() };
    describe(&"plant:5000/shop:1.0".parse().expect("a reference"), &BTreeMap::new(), &all).expect("an app")
}

pub(crate) fn hooks(root: &Path) -> ProcessHooks {
    let hooks = ProcessHooks::open(root).expect("hooks").with_executable(Some("/opt/dam".into()));
    hooks.with_grace(Duration::from_millis(300))
}

/// Tells whether a process runs. One that ended and that nobody has collected does not.
pub(crate) fn alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

/// Makes a command that runs the test `name` of this program as a process of its own in `root`, `before` its command
/// line.
pub(crate) fn again(before: &[&str], name: &str, root: &Path) -> Command {
    let program = std::env::current_exe().expect("a program");
    let mut line = before.iter().map(OsString::from).chain([program.into()]);
    let mut command = Command::new(line.next().expect("at least the program"));
    command.args(line).args(["--ignored", "--exact", name, "--nocapture"]).current_dir(root);
    command
}

/// Returns the current folder and the `/meta` that [`Test::keep_for_another`] kept there, if it did.
pub(crate) fn kept_here() -> Option<(PathBuf, KeptMeta)> {
    let root = PathBuf::from(".").canonicalize().expect("a folder");
    let digest = fs::read_to_string("meta-digest").ok()?;
    let meta = Keep::open(&root).expect("a keep").get(&digest.parse().expect("a digest")).expect("a kept /meta");
    Some((root, meta))
}
