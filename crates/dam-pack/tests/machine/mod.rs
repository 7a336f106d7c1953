//! A machine of a few files, on which the scripts run as dpkg and RPM run them.
//!
//! A tree with busybox and small stand-ins for systemd's, Debian's and Docker's tools (`bin/`), entered by chroot. It
//! is set back before each story, which is shell: what a package tool would do, step by step.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::rc::Rc;

use dam_pack::lifecycle::Lifecycle;
use dam_pack::{Content, DebScript, EntryKind, Format, RpmScript};
use tempfile::TempDir;

/// Programs of busybox that the scripts and the stand-ins may use: all of them are in coreutils, grep and dash.
const PROGRAMS: &str = "cat chmod cp cut grep ln ls mkdir mv rm rmdir sh sha256sum timeout";

/// The machine.
pub(crate) struct Machine {
    root: Rc<TempDir>,
    format: Format,
    /// The stories whose ends are kept, in `/kept/INDEX`.
    kept: RefCell<Vec<String>>,
}

/// What a story left behind.
#[derive(Debug)]
pub(crate) struct After {
    /// Whether every script succeeded.
    pub(crate) success: bool,
    /// What the scripts said.
    pub(crate) said: String,
    /// Every call of a stand-in since [`Machine::MARK`].
    pub(crate) record: Vec<String>,
    /// What systemd did since the mark: `started docker.service`.
    pub(crate) done: Vec<String>,
    root: Rc<TempDir>,
}

impl Machine {
    /// Forgets what was recorded so far: what comes next is the event.
    pub(crate) const MARK: &str = ": >/record; : >/machine/done; exec 2>/said\n";

    /// Builds a machine of a format's world, with version 1 and 2 of a package at hand.
    pub(crate) fn new(format: Format, lifecycle: &Lifecycle) -> Self {
        let root = tempfile::tempdir().expect("a temp folder");
        let at = |path: &str| root.path().join(path);
        for folder in ["bin", "dev", "usr/bin", "package/usr/lib/systemd/system-preset"] {
            fs::create_dir_all(at(folder)).expect("a folder");
        }
        // A plain file does, and needs no rights to be made.
        fs::write(at("dev/null"), "").expect("written");
        let busybox = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| Path::new(path).exists());
        fs::copy(busybox.expect("busybox-static is installed, as `make tools` does"), at("bin/busybox"))
            .expect("copied");
        for program in PROGRAMS.split(' ') {
            symlink("busybox", at("bin").join(program)).expect("linked");
        }
        symlink("busybox", at("bin/[")).expect("linked");
        symlink("/bin/busybox", at("usr/bin/env")).expect("linked");
        let stands_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/machine/bin");
        for file in fs::read_dir(stands_in).expect("listed") {
            let file = file.expect("an entry");
            let name = file.file_name().into_string().expect("ASCII");
            write(&at("usr/bin").join(&name), &fs::read_to_string(file.path()).expect("read"));
        }
        if let Some(preset) = lifecycle.preset()
            && let EntryKind::File { content: Content::Bytes(text), .. } = preset.kind
        {
            write(&at("package").join(preset.path.relative()), std::str::from_utf8(&text).expect("text"));
        }
        for (name, text) in scripts(format, lifecycle) {
            write(&at(&name), &text);
        }
        Self { root: Rc::new(root), format, kept: RefCell::default() }
    }

    /// Returns the format of its world.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Takes programs away, for good.
    pub(crate) fn lacks(&self, programs: &[&str]) {
        for program in programs {
            let path = self.root.path().join("usr/bin").join(program);
            assert!(!path.exists() || fs::remove_file(&path).is_ok(), "{program}");
        }
    }

    /// Runs a story on a machine as new, and returns what it left.
    pub(crate) fn run(&self, story: &str) -> After {
        self.run_after("", story)
    }

    /// Runs a story on a machine on which another one ended well, and returns what the second left. What the first left is
    /// kept: many stories go on from the same.
    pub(crate) fn run_after(&self, before: &str, story: &str) -> After {
        let mut kept = self.kept.borrow_mut();
        let number = kept.iter().position(|known| known == before).unwrap_or_else(|| {
            let number = kept.len();
            let first = self.tell(&format!("{RESET}{before}kept=/kept/{number}\n{KEEP}"));
            assert!(first.success, "{before}: {first:#?}");
            kept.push(before.to_owned());
            number
        });
        self.tell(&format!("cp -pR /kept/{number}/. /\n{}{story}", Self::MARK))
    }

    /// Lets the shell of the machine tell a story.
    fn tell(&self, story: &str) -> After {
        let root = self.root.path();
        fs::write(root.join("story"), format!("{FUNCTIONS}{story}")).expect("written");
        let is_root = fs::metadata(root).expect("is there").uid() == 0;
        let mut command = if is_root { Command::new("chroot") } else { Command::new("unshare") };
        if !is_root {
            command.args(["--map-root-user", "--root"]);
        }
        let command = command.arg(root).args(["/bin/sh", "-e", "/story"]).env_clear();
        let command = command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null());
        let dpkg = (self.format == Format::Deb).then_some(("DPKG_MAINTSCRIPT_PACKAGE", "dam-docker"));
        let output = command.envs(dpkg).output().expect("chroot and unshare are everywhere");
        let lines = |path: &str| {
            let text = fs::read_to_string(root.join(path)).unwrap_or_default();
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        };
        let mut said = fs::read_to_string(root.join("said")).unwrap_or_default();
        said += &String::from_utf8_lossy(&output.stderr);
        After {
            success: output.status.success(),
            said,
            record: lines("record"),
            done: lines("machine/done"),
            root: Rc::clone(&self.root),
        }
    }
}

impl After {
    /// Returns a file's text, if it is there.
    pub(crate) fn file(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.root.path().join(&path[1..])).ok()
    }

    /// Says whether a unit starts when the machine does.
    pub(crate) fn enabled(&self, unit: &str) -> bool {
        let machine = self.root.path().join("machine");
        machine.join("enabled").join(unit).exists() && !machine.join("masked").join(unit).exists()
    }

    /// Says whether a unit runs.
    pub(crate) fn active(&self, unit: &str) -> bool {
        self.root.path().join("machine/active").join(unit).exists()
    }
}

/// What a package tool does with files; then everything that a story can change is deleted.
const FUNCTIONS: &str = r#"
unpack() {
    cp -pR /package/. /
    mkdir -p /usr/share/dam-docker /etc/docker
    echo "{ \"from\": \"version $1\" }" >/usr/share/dam-docker/daemon.json
}
delete() {
    rm -rf /usr/share/dam-docker /usr/lib/systemd
    rmdir /etc/docker 2>/dev/null || :
}
cd /
rm -rf etc var run machine usr/share usr/lib usr/sbin record said
exec 2>/said
"#;

/// Makes a machine as new.
const RESET: &str = "\
mkdir -p /etc /var/lib /run /usr/share /usr/lib /usr/sbin /machine/active /machine/enabled /machine/masked /machine/remembered
echo root:x:0: >/etc/group
";

/// Keeps what a story left.
const KEEP: &str = "\
mkdir -p $kept/usr
cp -pR etc var run machine $kept
cp -pR usr/share usr/lib usr/sbin $kept/usr
";

/// Returns the scripts by the name a story calls them, such as `postinst`; those a package has not do nothing.
fn scripts(format: Format, lifecycle: &Lifecycle) -> Vec<(String, String)> {
    let rendered = lifecycle.scripts();
    let nothing = || "#!/bin/sh\n".to_owned();
    let deb = [DebScript::Preinst, DebScript::Postinst, DebScript::Prerm, DebScript::Postrm];
    let rpm = [RpmScript::Pre, RpmScript::Post, RpmScript::Preun, RpmScript::Postun, RpmScript::Posttrans];
    match format {
        Format::Deb => {
            let text = |place| rendered.deb.get(place).cloned().unwrap_or_else(nothing);
            deb.iter().map(|place| (format!("{place:?}").to_lowercase(), text(place))).collect()
        }
        Format::Rpm => {
            let text = |place| rendered.rpm.get(place).cloned().unwrap_or_else(nothing);
            let places = rpm.iter().map(|place| (format!("{place:?}").to_lowercase(), text(place)));
            let triggers = rendered.rpm_triggers.iter().map(|(name, text)| (format!("triggerin-{name}"), text.clone()));
            places.chain(triggers).collect()
        }
    }
}

/// Writes a program.
fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("set");
}

/// Returns lines of shell that run scripts one after the other, each as `NAME ARGUMENTS`.
pub(crate) fn calls(format: Format, steps: &[&str]) -> String {
    let mut story = String::new();
    for step in steps {
        let shell = match format {
            _ if step.starts_with("unpack") || step.starts_with("delete") => "",
            Format::Deb => "/",
            Format::Rpm => "/bin/sh /",
        };
        writeln!(story, "{shell}{step}").expect("a string takes all");
    }
    story
}
