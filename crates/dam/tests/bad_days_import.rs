//! Imports on bad days: a full disk, a stick that is pulled out, Ctrl-C, two at once, and products that cannot be had.

mod support;

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use dam_core::store::{LayoutStore, Store};
use rustix::process::{Pid, Signal, kill_process};
use snapbox::str;
use support::product::{ProductApp, next, now, product};
use support::{Dam, State};

/// Bytes of noise in each app of the large products: reading them takes dam some moments.
const LARGE: usize = 16 << 20;

/// A machine with `shop:1`, `till:1` and `old:1`, of which nothing more is at hand, and a product beside it.
fn machine(next: &[u8]) -> Dam {
    let dam = Dam::new().file("now.dam", now()).file("next.dam", next);
    let _ = dam.run("import now.dam --yes").success();
    dam
}

fn copy(from: &Path, to: &Path) {
    let script = r#"mkdir -p "$2" && find "$2" -mindepth 1 -delete && cp -a "$1/." "$2""#;
    let status = Command::new("/bin/sh").args(["-c", script, "sh"]).arg(from).arg(to).status();
    assert!(status.expect("sh starts").success());
}

/// Starts dam; what it says goes to the file `said`.
fn start(dam: &Dam, line: &str) -> Child {
    let said = File::create(dam.path("said")).expect("a file");
    dam.command(line).stdout(Stdio::null()).stderr(said).spawn().expect("dam starts")
}

fn said(dam: &Dam) -> String {
    fs::read_to_string(dam.path("said")).expect("text")
}

/// Waits until something holds; false if the child ended before.
fn until(child: &mut Child, holds: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    while !holds() {
        if child.try_wait().expect("our child").is_some() {
            return false;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "it never came");
        sleep(Duration::from_millis(1));
    }
    true
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("it runs");
}

fn blobs(dam: &Dam) -> usize {
    fs::read_dir(dam.root().join("store/blobs/sha256")).into_iter().flatten().count()
}

/// The machine on a small disk, and copies of its state before an import.
struct OnSmallDisk {
    dam: Dam,
    before: State,
}

impl OnSmallDisk {
    const IMPORT: &str = "import next.dam --yes";

    fn new() -> Self {
        let dam = Dam::new().file("now.dam", now()).file("next.dam", next(100_000)).small_disk("root", 8 << 20);
        let _ = dam.run("import now.dam --yes").success();
        copy(&dam.disk().inside(), &dam.path("root-before"));
        copy(&dam.path("state"), &dam.path("state-before"));
        let before = State::of(&dam.path("root-before"), &dam.path("state"));
        Self { dam, before }
    }

    /// Looks at a copy: SQLite opens nothing in a mount that only others see.
    fn state(&self) -> State {
        copy(&self.dam.disk().inside(), &self.dam.path("root-seen"));
        State::of(&self.dam.path("root-seen"), &self.dam.path("state"))
    }

    fn put_back(&self) {
        copy(&self.dam.path("root-before"), &self.dam.disk().inside());
        copy(&self.dam.path("state-before"), &self.dam.path("state"));
    }

    /// Imports while so many bytes are free. It works, or it fails, names what could not be written, and leaves everything
    /// as it was; with space again it works then. Returns the error.
    fn import_with(&self, free: u64) -> Option<String> {
        let dam = &self.dam;
        self.put_back();
        dam.disk().fill(free);
        let run = dam.run(Self::IMPORT);
        dam.disk().free();
        if run.is_success() {
            return None;
        }
        let run = run.failure().no_stdout();
        let from = run.talk().find("error: ").unwrap_or_else(|| panic!("with {free} bytes: {}", run.talk()));
        let error = run.talk()[from..].to_owned();
        assert!(error.contains("[FOLDER]/root"), "with {free} bytes: {error}");
        let _ = dam.run("verify").success();
        if !error.contains("everything was done; the next change of this machine records it") {
            assert_eq!(self.state(), self.before, "with {free} bytes: {error}");
        }
        let _ = dam.run(Self::IMPORT).success();
        assert_eq!(self.state().running["shop"], "2");
        Some(error)
    }
}

#[test]
fn a_disk_that_fills_at_any_moment_leaves_everything_as_it_was() {
    let machine = OnSmallDisk::new();
    // Below what the images need it is refused at once; above, it fails wherever the space ends: in the store, the ledger,
    // the private copies of hooks, or their output.
    let sizes = [0, 8, 16, 30, 45, 60, 100, 200].into_iter().chain((215..).step_by(12)).map(|size| size * 1024);
    let errors: Vec<String> = sizes.map_while(|size| machine.import_with(size)).collect();
    assert!(errors.len() >= 20, "{} sizes were too small", errors.len());
    for place in ["/ledger.db", "/store/ingest/", "/meta", "not enough space", "/run/hook-", "records it"] {
        assert!(errors.iter().any(|error| error.contains(place)), "{place} is in none of {errors:#?}");
    }
}

#[test]
fn an_import_that_cannot_fit_is_refused_before_anything_is_loaded() {
    let machine = OnSmallDisk::new();
    machine.put_back();
    machine.dam.disk().fill(150_000);
    let refused = machine.dam.run(OnSmallDisk::IMPORT).failure().no_stdout();
    let _ = refused
        .said("error: there is not enough space on `[FOLDER]/root/store`: 215040 bytes are needed, ")
        .said(" are free\n");
    assert_eq!(machine.state(), machine.before);
    assert_eq!(machine.dam.run("history --json").success().json()["entries"].as_array().map(Vec::len), Some(1));
}

/// Imports the large product from a stick that is pulled out once a blob has arrived. None if dam was too quick.
fn pulled_out(bundle: &[u8]) -> Option<(Dam, State)> {
    let dam = machine(bundle).stick("site.dam", bundle);
    let (before, at_first) = (dam.state(), blobs(&dam));
    let mut child = start(&dam, "import stick/site.dam --yes");
    until(&mut child, || blobs(&dam) > at_first);
    // It stands still while the stick is pulled, so that it has not read everything by then.
    signal(&child, Signal::STOP);
    dam.disk().pull("site.dam");
    signal(&child, Signal::CONT);
    let status = child.wait().expect("our child");
    (status.code() == Some(1)).then_some((dam, before))
}

fn pulled() -> (Dam, State) {
    let bundle = next(LARGE);
    let found = (0..5).find_map(|_| pulled_out(&bundle));
    found.expect("dam is not always so quick")
}

#[test]
fn a_stick_pulled_out_mid_read_and_put_in_elsewhere() {
    let (dam, before) = pulled();
    let said = said(&dam);
    assert!(said.contains("error: `stick/site.dam` cannot be read any further\n"), "{said}");
    assert!(said.contains("caused by: Input/output error (os error 5)\n"), "{said}");
    assert!(said.contains("nothing that runs was touched, and what has arrived is kept\n"), "{said}");
    let now = dam.state();
    assert_eq!((&now.installed, &now.running), (&before.installed, &before.running));
    assert!(now.blobs.len() > before.blobs.len(), "what arrived is kept");

    let plan = dam.run("import next.dam --dry-run").success();
    assert!(plan.text().contains("next.dam: 4 apps, going on where it was cut off\n"), "{}", plan.text());
    let _ = dam.run("import next.dam --yes").success();
    assert_eq!(dam.state().running, [("extra", "1"), ("shop", "2"), ("till", "1")].map(owned).into());
    let history = dam.run("history --json").success().json();
    assert_eq!(history["entries"].as_array().expect("a list").len(), 2, "it was one import all the time");
}

#[test]
fn a_stick_pulled_out_mid_read_and_another_command_undoes_it() {
    let (dam, before) = pulled();
    let _ = dam.run("purge --dry-run").success().said("undoing what was cut off: import of 3 apps");
    assert_eq!(dam.state(), before);
    let _ = dam.run("import next.dam --yes").success();
}

fn owned((name, version): (&str, &str)) -> (String, String) {
    (name.to_owned(), version.to_owned())
}

#[test]
fn ctrl_c_while_images_arrive_and_the_same_import_again() {
    let bundle = next(LARGE);
    let dam = (0..5).find_map(|_| {
        let dam = machine(&bundle);
        let (before, at_first) = (dam.state(), blobs(&dam));
        let mut child = start(&dam, "import next.dam --yes");
        until(&mut child, || blobs(&dam) > at_first);
        signal(&child, Signal::INT);
        let status = child.wait().expect("our child");
        assert_eq!(dam.running("shop").as_deref(), if status.success() { Some("2") } else { Some("1") });
        if !status.success() {
            assert_eq!(dam.state().installed, before.installed);
        }
        (!status.success()).then_some(dam)
    });
    let dam = dam.expect("dam is not always so quick");
    let said = said(&dam);
    assert!(
        said.contains("error: interrupted\nnothing that runs was touched, and what has arrived is kept\n"),
        "{said}"
    );
    assert!(said.contains("hint: dam import next.dam --yes   goes on where it was\n"), "{said}");
    let _ = dam.run("import next.dam --yes").success();
    assert_eq!(dam.running("shop").as_deref(), Some("2"));
    let _ = dam.run("verify").success();
}

/// A product of which the second app's `install` waits for the file `go`, and says so by the file `waits`.
fn slow() -> Vec<u8> {
    let wait = "touch \"$STATE/../waits\"; until test -e \"$STATE/../go\"; do sleep 0.02; done";
    product(&[ProductApp::new("shop:2"), ProductApp::new("till:2").before("install", wait), ProductApp::new("extra:1")])
}

#[test]
fn ctrl_c_while_the_second_app_is_changed_undoes_the_first_too() {
    let dam = machine(&slow());
    let before = dam.state();
    let mut child = start(&dam, "import next.dam --yes");
    assert!(until(&mut child, || dam.path("waits").exists()), "{}", said(&dam));
    assert_eq!(dam.running("shop").as_deref(), Some("2"), "the first app is changed by now");
    signal(&child, Signal::INT);
    assert_eq!(child.wait().expect("our child").code(), Some(1));
    let said = said(&dam);
    assert!(said.contains("everything is as before: "), "{said}");
    assert_eq!(dam.state(), before, "{said}");
    fs::write(dam.path("go"), "").expect("a file");
    let _ = dam.run("import next.dam --yes").success();
}

#[test]
fn the_second_of_two_imports_waits_and_finds_nothing_to_do() {
    let dam = machine(&slow());
    let mut first = start(&dam, "import next.dam --yes");
    assert!(until(&mut first, || dam.path("waits").exists()), "{}", said(&dam));
    let talk = File::create(dam.path("second")).expect("a file");
    let answer = File::create(dam.path("answer")).expect("a file");
    let mut second = dam.command("import next.dam --yes").stdout(answer).stderr(talk).spawn().expect("dam starts");
    let waits = "another dam is changing this machine; waiting for it";
    assert!(until(&mut second, || fs::read_to_string(dam.path("second")).is_ok_and(|text| text.contains(waits))));
    fs::write(dam.path("go"), "").expect("a file");
    assert!(first.wait().expect("our child").success(), "{}", said(&dam));
    assert!(second.wait().expect("our child").success());
    let answer = fs::read_to_string(dam.path("answer")).expect("text");
    assert_eq!(answer, "Nothing to do: this machine is as next.dam says\n");
}

#[test]
fn a_list_names_an_app_whose_image_is_gone() {
    let dam = machine(&next(0)).file("list.txt", "till:1\nshop:2\nextra:1  # never seen\n");
    let _ = dam.run("import next.dam --yes").success();
    let _ = dam.run("import now.dam --yes").success();
    let store = LayoutStore::open(&dam.root().join("store")).expect("a store");
    for name in ["shop:2", "extra:1"] {
        let holder = store.holder(&name.parse().expect("a name")).expect("a store").expect("an image");
        store.remove(holder).expect("it goes");
    }
    let before = dam.state();
    dam.run("import list.txt --yes").no_stdout().error(str![[r#"
error: 2 apps of `list.txt` cannot be found
caused by: line 2: `shop:2`: it is neither installed nor in the store
caused by: line 3: `extra:1`: it is neither installed nor in the store
hint: create, pull or load them, or take their lines out of the list

"#]]);
    assert_eq!(dam.state(), before);
}

#[test]
fn an_import_while_the_ledger_is_from_a_newer_dam() {
    let dam = machine(&next(0));
    let ledger = dam.root().join("ledger.db");
    // The schema version, see <https://www.sqlite.org/fileformat.html#user_version_number>.
    let mut bytes = fs::read(&ledger).expect("a ledger");
    bytes[60..64].copy_from_slice(&9999_u32.to_be_bytes());
    fs::write(&ledger, &bytes).expect("ours");
    let traces = dam.traces();
    let run = dam.run("import next.dam --yes").failure().no_stdout();
    let _ = run.said("[FOLDER]/root/ledger.db").said("newer");
    assert_eq!(dam.traces(), traces, "nothing was written");
    assert_eq!(dam.running("shop").as_deref(), Some("1"));
}

#[test]
fn nothing_to_do_reads_no_layer() {
    let dam = machine(&next(100_000));
    let _ = dam.run("import next.dam --yes").success();
    let before = dam.state();
    // Every layer of the bundle is nonsense now: who reads one finds that it is damaged.
    let mut bytes = fs::read(dam.path("next.dam")).expect("a bundle");
    let mut at = 0;
    while let Some(found) = next_large_member(&bytes, at) {
        bytes[found.clone()].fill(0);
        at = found.end;
    }
    assert!(at > 200_000, "there are layers: {at}");
    fs::write(dam.path("next.dam"), &bytes).expect("ours");
    let run = dam.run("import next.dam --yes").success();
    let _ = run.stdout("Nothing to do: this machine is as next.dam says\n");
    assert_eq!(dam.state(), before);
    let _ = dam.run("verify next.dam").failure();
}

/// Finds the content of the next member of a tar that is a layer, from a header at `at` on.
fn next_large_member(tar: &[u8], mut at: usize) -> Option<std::ops::Range<usize>> {
    loop {
        at = at.next_multiple_of(512);
        let header = tar.get(at..at + 512).filter(|header| header[0] != 0)?;
        let size = std::str::from_utf8(&header[124..135]).expect("octal");
        let size = usize::from_str_radix(size, 8).expect("octal");
        let content = at + 512..at + 512 + size;
        if size > 4096 && header.starts_with(b"blobs/") {
            return Some(content);
        }
        at = content.end;
    }
}
