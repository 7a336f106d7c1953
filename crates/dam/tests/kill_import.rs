//! An import of several apps killed at every moment that matters, and what the next start makes of it.
//!
//! The machine has `shop:1`, `till:1` and `old:1`; the product upgrades the first, keeps the second, installs `extra:1` and
//! removes `old:1`. `DAM_FAULT=N` kills this build of dam with SIGKILL at the N-th fault point it passes
//! (`dam_core::fault`); they lie between any two durable effects. After each death everything is compared: what is
//! installed, the ledger, tags, image ids, blobs, what runs.

#![cfg(feature = "fault-points")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use dam_core::ledger::{Ledger, OperationState};
use dam_core::testing::PrivateDocker;
use support::product::{next, now};
use support::{Dam, State};

/// The line that is killed.
const IMPORT: &str = "import next.dam --yes";

/// A machine with three apps and the next product beside it.
struct Machine {
    dam: Dam,
    before: State,
    after: State,
}

impl Machine {
    /// The machine over the built-in store.
    fn new() -> Self {
        let dam = Dam::in_memory().file("now.dam", now()).file("next.dam", next(0));
        let _ = dam.run("import now.dam --yes").success();
        copy(&dam, "root", "root-before");
        copy(&dam, "state", "state-before");
        let before = dam.state();
        let _ = dam.run(IMPORT).success();
        let after = dam.state();
        assert_eq!(before.running, running(&[("old", "1"), ("shop", "1"), ("till", "1")]));
        assert_eq!(after.running, running(&[("extra", "1"), ("shop", "2"), ("till", "1")]));
        Self { dam, before, after }
    }

    /// Makes everything as it was before the import.
    fn put_back(&self) {
        copy(&self.dam, "root-before", "root");
        copy(&self.dam, "state-before", "state");
    }

    /// Runs a line that dies at a fault point; false if it came to its end before.
    fn dies(&self, line: &str, point: u32) -> bool {
        let mut command = self.dam.command(line);
        let output = command.env("DAM_FAULT", point.to_string()).output().expect("dam starts");
        if output.status.signal() == Some(9) {
            return true;
        }
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "dam {line} at point {point}: {said}");
        false
    }

    /// Another command undoes what was cut off, or finishes it where only its recording was missing. Tells which.
    fn is_undone(&self, when: &str) -> bool {
        let _ = self.dam.run("verify").success();
        let found = self.dam.state();
        self.no_debris(when);
        if found != self.after {
            assert_eq!(found, self.before, "{when}");
        }
        found == self.before
    }

    /// The same import again ends as one that was never cut off.
    fn goes_on(&self, when: &str) {
        let _ = self.dam.run(IMPORT).success();
        assert_eq!(self.dam.state(), self.after, "{when}");
        self.no_debris(when);
    }

    /// Nothing is pending, and no temporary file is left.
    fn no_debris(&self, when: &str) {
        let mut ledger = Ledger::open_existing(&self.dam.root()).expect("a ledger").expect("a ledger");
        assert_eq!(ledger.pending().expect("a ledger"), None, "{when}");
        let history = ledger.history(None, 10).expect("a ledger");
        assert!(history.iter().all(|past| past.state != OperationState::Broken), "{when}: {history:?}");
        for folder in ["tmp", "run", "store/ingest"] {
            let left: Vec<_> = fs::read_dir(self.dam.root().join(folder)).into_iter().flatten().flatten().collect();
            assert!(left.is_empty(), "{when}: {left:?}");
        }
    }
}

fn running(apps: &[(&str, &str)]) -> BTreeMap<String, String> {
    apps.iter().map(|(name, version)| ((*name).to_owned(), (*version).to_owned())).collect()
}

fn copy(dam: &Dam, from: &str, to: &str) {
    let script = r#"rm -rf "$2" && cp -a "$1" "$2""#;
    let status = Command::new("/bin/sh").args(["-c", script, "sh"]).arg(dam.path(from)).arg(dam.path(to)).status();
    assert!(status.expect("sh starts").success());
}

#[test]
fn an_import_killed_anywhere_is_undone_by_any_other_command_or_finished_where_all_was_done() {
    let machine = Machine::new();
    let mut outcomes = Vec::new();
    loop {
        machine.put_back();
        let point = u32::try_from(outcomes.len()).expect("few");
        if !machine.dies(IMPORT, point) {
            break;
        }
        outcomes.push(machine.is_undone(&format!("killed at {point}")));
    }
    assert!(outcomes.len() >= 120, "{} points", outcomes.len());

    let done = outcomes.iter().position(|undone| !undone).expect("the last point comes after the recording");
    assert!(outcomes[done..].iter().all(|undone| !undone), "{outcomes:?}");
    assert!(outcomes.len() - done < 10, "it is finished only where every step was done: {outcomes:?}");
}

#[test]
fn a_recovery_that_is_killed_itself_is_done_by_the_one_after_it() {
    let machine = Machine::new();
    let (mut point, mut deaths) = (0, 0);
    loop {
        machine.put_back();
        if !machine.dies(IMPORT, point) {
            break;
        }
        for second in [point * 3 % 17, point % 11] {
            deaths += u32::from(machine.dies("verify", second));
        }
        machine.is_undone(&format!("killed at {point} and in its recovery"));
        point += 3;
    }
    assert!(deaths >= 40, "{deaths} deaths of recoveries");
}

#[test]
fn an_import_killed_anywhere_ends_as_an_uninterrupted_one_when_it_is_started_again() {
    let machine = Machine::new();
    let mut point = 0;
    loop {
        machine.put_back();
        if !machine.dies(IMPORT, point) {
            break;
        }
        machine.goes_on(&format!("killed at {point}"));
        point += 1;
    }
    assert!(point >= 120, "{point} points");
}

#[test]
fn an_import_killed_twice_ends_as_an_uninterrupted_one_when_it_is_started_again() {
    let machine = Machine::new();
    let (mut point, mut deaths) = (1, 0);
    loop {
        machine.put_back();
        if !machine.dies(IMPORT, point) {
            break;
        }
        for second in [point * 5 % 41, point % 13] {
            deaths += u32::from(machine.dies(IMPORT, second));
        }
        machine.goes_on(&format!("killed at {point} and again"));
        point += 3;
    }
    assert!(deaths >= 40, "{deaths} more deaths");
}

/// The same machine over an engine, and how long the import takes there.
struct OnDocker {
    docker: PrivateDocker,
    dam: Dam,
    after: State,
    took: Duration,
}

impl OnDocker {
    fn new() -> Self {
        let docker = PrivateDocker::start().expect("a Docker daemon");
        let dam = Dam::new().file("now.dam", now()).file("next.dam", next(0));
        let dam = dam.variable("DAM_STORE", "docker").variable("DOCKER_HOST", &docker.endpoint().to_string());
        let mut machine = Self { docker, dam, after: State::default(), took: Duration::ZERO };
        machine.put_back();
        let begun = Instant::now();
        let _ = machine.dam.run(IMPORT).success();
        machine.took = begun.elapsed();
        machine.after = machine.state();
        machine
    }

    /// Makes everything as it was before the import.
    fn put_back(&self) -> State {
        let _ = self.dam.run("import now.dam --yes").success();
        let _ = self.dam.run("purge --all --keep 0 --yes").success();
        self.state()
    }

    fn state(&self) -> State {
        State::on_docker(&self.dam.root(), &self.dam.path("state"), self.docker.endpoint())
    }

    /// Kills an import after a part of the time it takes; false if it was quicker, which is noted: it was measured on a
    /// machine that did something else.
    fn dies_after(&mut self, part: f64) -> bool {
        let begun = Instant::now();
        let mut command = self.dam.command(IMPORT);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("dam starts");
        sleep(self.took.mul_f64(part));
        let finished = child.try_wait().expect("our child").is_some();
        child.kill().expect("our child");
        let died = child.wait().expect("our child").signal() == Some(9);
        if finished && !died {
            self.took = self.took.min(begun.elapsed()).mul_f64(0.8);
        }
        died
    }
}

#[test]
fn an_import_into_an_engine_killed_at_any_moment_is_undone_or_goes_on() {
    let mut machine = OnDocker::new();
    let (mut deaths, mut undone) = (0, 0);
    for moment in 0..16 {
        let before = machine.put_back();
        // Moments that lie spread, in no order: multiples of the golden ratio.
        let part = (f64::from(moment) * 0.618).fract();
        let when = format!("killed after {part:.3} of {:?}", machine.took);
        deaths += u32::from(machine.dies_after(part));
        if moment % 2 == 0 {
            let _ = machine.dam.run("purge --dry-run --yes").success();
            let found = machine.state();
            if found.tagged() == before.tagged() {
                undone += 1;
                // An engine that has all of a request finishes it, and nobody can tell when: what comes out of it after
                // the undo has no tag, and `purge` takes it.
                let late = found.images.iter().filter(|(id, tags)| tags.is_empty() && !before.images.contains_key(*id));
                assert!(late.clone().all(|(id, _)| machine.after.images.contains_key(id)), "{when}: {late:?}");
            } else {
                assert_eq!(found, machine.after, "{when}, and not as before: {before:?}");
            }
        } else {
            let _ = machine.dam.run(IMPORT).success();
            assert_eq!(machine.state(), machine.after, "{when}");
        }
    }
    assert!(deaths >= 9 && undone >= 3, "{deaths} deaths, {undone} of them undone");
}
