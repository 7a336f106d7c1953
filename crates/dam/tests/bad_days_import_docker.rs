//! Imports into an engine that goes away, or has too little room.

mod support;

use std::fs::{self, File};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use dam_core::testing::PrivateDocker;
use support::product::{ProductApp, next, now, product};
use support::{Dam, State};

/// A machine with `shop:1`, `till:1` and `old:1` in an engine of its own, and a product beside it.
struct Machine {
    docker: PrivateDocker,
    dam: Dam,
}

impl Machine {
    fn new(docker: PrivateDocker, next: &[u8]) -> Self {
        let dam = Dam::new().file("now.dam", now()).file("next.dam", next);
        let dam = dam.variable("DAM_STORE", "docker").variable("DOCKER_HOST", &docker.endpoint().to_string());
        let _ = dam.run("import now.dam --yes").success();
        Self { docker, dam }
    }

    fn state(&self) -> State {
        State::on_docker(&self.dam.root(), &self.dam.path("state"), self.docker.endpoint())
    }

    /// Starts an import and returns once something holds.
    fn import_until(&self, holds: impl Fn() -> bool) -> Child {
        let said = File::create(self.dam.path("said")).expect("a file");
        let mut command = self.dam.command("import next.dam --yes");
        let mut child = command.stdout(Stdio::null()).stderr(said).spawn().expect("dam starts");
        let begun = Instant::now();
        while !holds() && child.try_wait().expect("our child").is_none() {
            assert!(begun.elapsed() < Duration::from_secs(60), "it never came: {}", self.said());
            sleep(Duration::from_millis(2));
        }
        child
    }

    fn said(&self) -> String {
        fs::read_to_string(self.dam.path("said")).expect("text")
    }

    fn has(&self, folder: &str) -> bool {
        let folder = self.docker.data().expect("it is private").join(folder);
        fs::read_dir(folder).into_iter().flatten().next().is_some()
    }
}

#[test]
fn an_engine_restarted_while_images_arrive_pauses_the_import_which_goes_on() {
    let bundle = next(64 << 20);
    let mut machine = Machine::new(PrivateDocker::start().expect("a Docker daemon"), &bundle);
    let before = machine.state();
    // The engine unpacks what it is sent into this folder.
    let mut child = machine.import_until(|| machine.has("tmp"));
    machine.docker.kill();
    let status = child.wait().expect("our child");
    machine.docker.start_again().expect("it starts again");
    let said = machine.said();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("nothing that runs was touched, and what has arrived is kept\n"), "{said}");
    assert!(said.contains("hint: dam import next.dam --yes   goes on where it was\n"), "{said}");
    let now = machine.state();
    assert_eq!((now.installed, now.running), (before.installed, before.running));

    let plan = machine.dam.run("import next.dam --dry-run").success();
    assert!(plan.text().contains("going on where it was cut off"), "{}", plan.text());
    let _ = machine.dam.run("import next.dam --yes").success();
    assert_eq!(machine.dam.running("shop").as_deref(), Some("2"));
    let _ = machine.dam.run("verify").success();
}

#[test]
fn an_engine_restarted_while_hooks_run_is_no_matter_for_the_rest_and_the_undo() {
    let fails = "touch \"$STATE/../waits\"; until test -e \"$STATE/../go\"; do sleep 0.02; done; exit 1";
    // The second app fails after the engine was gone: everything before it is undone.
    let second = ProductApp::new("till:2").hook("install", fails);
    let bundle = product(&[ProductApp::new("shop:2"), second, ProductApp::new("extra:1")]);
    let mut machine = Machine::new(PrivateDocker::start().expect("a Docker daemon"), &bundle);
    let before = machine.state();
    let waits = machine.dam.path("waits");
    let mut child = machine.import_until(|| waits.exists());
    machine.docker.kill();
    fs::write(machine.dam.path("go"), "").expect("a file");
    assert_eq!(child.wait().expect("our child").code(), Some(1), "{}", machine.said());
    let said = machine.said();
    // What runs is as before at once; what the engine has waits for it.
    assert_eq!(machine.dam.running("shop").as_deref(), Some("1"), "{said}");
    assert_eq!(machine.dam.running("till").as_deref(), Some("1"), "{said}");
    assert!(said.contains("the undo stopped, and the next change of this machine goes on with it: "), "{said}");

    machine.docker.start_again().expect("it starts again");
    let _ = machine.dam.run("purge --dry-run").success().said("undoing what was cut off: import of 4 apps");
    assert_eq!(machine.state(), before);
}

#[test]
fn an_import_that_does_not_fit_the_engines_disk_is_refused_before_anything_is_sent() {
    let docker = PrivateDocker::start_on_disk(100 << 20).expect("a Docker daemon");
    let machine = Machine::new(docker, &next(60 << 20));
    let before = machine.state();
    let data = machine.docker.data().expect("it is private");
    let run = machine.dam.run("import next.dam --yes").failure().no_stdout();
    let error = format!("error: there is not enough space on `{}`: ", data.display());
    let numbers = run.talk().split(&error).nth(1).unwrap_or_else(|| panic!("{}", run.talk()));
    let words: Vec<&str> = numbers.lines().next().expect("a line").split(' ').collect();
    let [needed, "bytes", "are", "needed,", free, "are", "free"] = words[..] else { panic!("{words:?}") };
    let [free, needed] = [free, needed].map(|number| number.parse::<u64>().expect("a number"));
    assert!(free < 100 << 20 && needed > 120 << 20, "{free} {needed}");
    assert_eq!(machine.state(), before);
    assert!(!machine.has("tmp"), "nothing was sent");
}
