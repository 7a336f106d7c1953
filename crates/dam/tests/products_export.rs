//! `dam export`, from the machine of the packer to what other tools make of it.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use dam_core::testing::{PrivateDocker, PrivatePodman};
use dam_oci::Digest;
use snapbox::str;
use support::{App, Dam};

/// Bytes that do not compress.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..length).map(|_| next()).collect()
}

/// An app on a base that all of them have.
fn on_base(app: App) -> App {
    app.file("Dockerfile", "FROM scratch\nCOPY base /base\nCOPY meta /meta\n").file("base", noise(2_000_000))
}

/// Two apps on one base are installed, and one is only in the store.
fn machine() -> Dam {
    Dam::new()
        .installed("tools", "1.0", on_base)
        .installed("shop", "2.0", |app| on_base(app).file("meta/shop.conf", "port=80\n"))
        .app("spare", "1.0", on_base)
}

fn sha256(path: &Path) -> String {
    Digest::of(&fs::read(path).expect("a file")).to_string()
}

#[test]
fn a_list_of_what_is_installed() {
    let dam = machine().file("site.txt", "what was there, and longer than what is written now\n");
    dam.run("export site.txt").success().stdout("Exported a list of 2 apps to site.txt\n").no_stderr();
    assert_eq!(fs::read_to_string(dam.path("site.txt")).expect("text"), "shop:2.0\ntools:1.0\n");
    dam.run("export -").success().stdout("shop:2.0\ntools:1.0\n").no_stderr();
    dam.run("export - tools:1.0").success().stdout("tools:1.0\n").no_stderr();
    dam.run("ex -o one.txt shop").success().stdout("Exported a list of 1 app to one.txt\n");
    let json = dam.run("export site.txt --json").success().json();
    assert_eq!(
        json["apps"],
        serde_json::json!([{ "name": "shop", "version": "2.0" }, { "name": "tools", "version": "1.0" }])
    );
    let empty = Dam::new();
    empty.run("export site.txt").success().stdout("Exported an empty list: no app is installed, to site.txt\n");
    assert_eq!(fs::read_to_string(empty.path("site.txt")).expect("text"), "");
}

#[test]
fn a_bundle_of_what_is_installed() {
    let dam = machine();
    dam.run("export --all site.dam").success().no_stderr().stdout(str![[r#"
  shop:2.0   2.0 MB  2.0 MB
  tools:1.0  2.0 MB  1.6 kB   shares 1 of 2 layers
Exported 2 apps to site.dam  (2.0 MB, 3 layers, sha256 87ca…8ad6)

"#]]);
    let info = dam.run("info site.dam --json").success().json();
    assert_eq!(info["apps"].as_array().map(Vec::len), Some(2));
    let json = dam.run("export again.dam --json").success().json();
    let (app, sum) = (&json["apps"][1], sha256(&dam.path("site.dam")));
    assert_eq!((&app["name"], &app["layers"], &app["shared"]), (&"tools".into(), &2.into(), &1.into()));
    assert_eq!((json["sha256"].as_str(), sha256(&dam.path("again.dam"))), (Some(&*sum), sum.clone()));

    let run = dam.run("export tools.dam tools").success();
    assert!(run.text().contains("Exported 1 app to tools.dam"), "{}", run.text());
    let mut command = dam.command("export --all -");
    let piped = command.stdout(Stdio::piped()).output().expect("dam starts");
    assert_eq!(Digest::of(&piped.stdout).to_string(), sum);
    let said = String::from_utf8_lossy(&piped.stderr);
    assert!(said.contains("Exported 2 apps  (") && piped.status.success(), "{said}");
}

#[test]
fn a_bundle_of_a_list() {
    let list = "# the ship\ntools:1.0\n\nspare:1.0\n";
    let dam = machine().file("ship.txt", list).file("bad.txt", "tools:1.0\nshop:1.0\n\nnix:3\n");
    let json = dam.run("export --product ship.txt ship.dam --json").success().json();
    let names: Vec<_> = json["apps"].as_array().expect("a list").iter().map(|app| app["name"].clone()).collect();
    assert_eq!(names, ["tools", "spare"]);
    // Whatever it is called.
    dam.run("export --product ship.txt -o ship spare").success();
    dam.run("export --product bad.txt bad.dam").no_stdout().error(str![[r#"
error: 2 apps of `bad.txt` cannot be found
caused by: line 2: `shop:1.0`: it is neither installed nor in the store
caused by: line 4: `nix:3`: it is neither installed nor in the store
hint: create, pull or load them, or take their lines out of the list

"#]]);
    assert!(!dam.path("bad.dam").exists());
}

#[test]
fn parts_are_read_as_one() {
    let dam = machine().file("site.dam.004", "of an earlier export");
    dam.run("export --all site.dam --split 1MB").success().no_stderr().stdout(str![[r#"
  shop:2.0   2.0 MB  2.0 MB
  tools:1.0  2.0 MB  1.6 kB   shares 1 of 2 layers
  site.dam.001   1.0 MB  sha256 6044…8c4c
  site.dam.002   1.0 MB  sha256 1e11…744a
  site.dam.003  18.3 kB  sha256 bac2…89d8
  site.dam.004 of an earlier export was removed
Exported 2 apps to site.dam.001 … site.dam.003  (2.0 MB, 3 layers, sha256 87ca…8ad6)

"#]]);
    assert!(!dam.path("site.dam").exists() && !dam.path("site.dam.004").exists());
    let info = dam.run("info site.dam.001 --json").success().json();
    assert_eq!(info["apps"].as_array().map(Vec::len), Some(2));
}

#[test]
fn what_makes_no_sense_is_told_before_anything_is_done() {
    let dam = machine().file("ship.txt", "tools:1.0\n");
    dam.run("export").misuse().stderr(str![[r#"
error: `dam export` needs a file to write
hint: dam export --help

"#]]);
    for (line, said) in [
        ("export site.txt --split 1MB", "error: --split and --compression are for bundles, and this is a list\n"),
        ("export --all - --split 1MB", "error: --split needs a file: standard output is one stream\n"),
        ("export --all - --json", "error: `-` and --json exclude each other: both want standard output\n"),
        ("export --all x.dam --split 1kB", "error: `1kB` is too small for a part: it must have at least 1MB\n"),
        ("export --all x.dam --split much", "error: `much` is not a size such as `650MB`, `4G` or a number of bytes\n"),
        (
            "export --all x.dam --compression xz",
            "error: `xz` is no form of layers: they are zstd, zstd:LEVEL, gzip or none\n",
        ),
        ("export x.dam Shop", "error: `Shop` is not an image name: the name must be in lower case\n"),
    ] {
        let run = dam.run(line).misuse();
        let talk =
            if line.contains("--json") { run.json()["error"]["message"].to_string() } else { run.talk().to_owned() };
        assert!(talk.contains(said.trim_start_matches("error: ").trim_end()), "{line}: {talk}");
    }
    dam.run("export x.dam shop:9 nix").no_stdout().error(str![[r#"
error: no such apps are installed: shop:9, nix
hint: dam list   shows what is installed

"#]]);
    Dam::new().run("export --all x.dam").no_stdout().error(str![[r#"
error: there is no app to export
hint: dam list   shows what is installed

"#]]);
    assert!(!dam.path("x.dam").exists());
}

#[test]
fn nobody_who_reads_is_no_fault() {
    let dam = machine();
    let mut command = dam.command("export --all -");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("dam starts");
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("it ends");
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr)), (Some(141), "".into()));
}

/// Killed between any two renames, an export leaves the old parts, the new ones, or no first part: never a mixture.
#[cfg(feature = "fault-points")]
#[test]
fn a_split_export_killed_anywhere_is_no_mixture() {
    use std::os::unix::process::ExitStatusExt;

    let dam = machine();
    let export = "export --all site.dam --split 1MB";
    let mut seen = [0; 3];
    for point in 0.. {
        dam.run("export site.dam tools --split 1MB").success();
        let mut command = dam.command(export);
        let ended = command.env("DAM_FAULT", point.to_string()).output().expect("dam starts");
        let apps = match dam.path("site.dam.001").exists() {
            true => dam.run("info site.dam.001 --json").success().json()["apps"].as_array().map_or(0, Vec::len),
            false => 0,
        };
        seen[apps] += 1;
        if ended.status.signal() != Some(9) {
            assert!(ended.status.success() && apps == 2);
            break;
        }
        // What a power cut leaves is in nobody's way.
        dam.run(export).success();
        assert_eq!(dam.run("info site.dam.001 --json").success().json()["apps"].as_array().map(Vec::len), Some(2));
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}

/// Runs a tool that must succeed, and returns what it says.
fn tool(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; `make test` installs it"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {said}");
    said
}

/// The machine again, with what it has in an engine.
fn in_engine(dam: &Dam, endpoint: &str) -> Dam {
    let other = Dam::new().variable("DAM_STORE", "docker").variable("DOCKER_HOST", endpoint);
    dam.run("export --all moved.dam").success();
    fs::copy(dam.path("moved.dam"), other.path("moved.dam")).expect("copied");
    other.run("import moved.dam --yes").success();
    other
}

#[test]
fn an_engine_s_apps_are_exported_as_they_are_elsewhere() {
    let docker = PrivateDocker::shared().expect("a Docker daemon");
    let dam = machine();
    let docked = in_engine(&dam, &docker.endpoint().to_string());
    docked.run("export --all site.dam --progress json").success().said("export 2 images");
    assert_eq!(sha256(&docked.path("site.dam")), sha256(&dam.path("moved.dam")));
    // Now the cache has all of it.
    let run = docked.run("export --all again.dam --progress json").success();
    assert!(!run.talk().contains("images") && !run.talk().contains("compress"), "{}", run.talk());
    assert_eq!(sha256(&docked.path("again.dam")), sha256(&docked.path("site.dam")));
}

#[test]
fn other_tools_load_what_is_exported() {
    let docker = PrivateDocker::start().expect("a Docker daemon");
    let dam = machine();
    dam.run("export --all gzip.dam --compression gzip").success();
    dam.run("export --all raw.dam --compression none").success();
    dam.run("export --all zstd.dam --compression zstd:19").success();
    let path = |name: &str| dam.path(name).display().to_string();
    let endpoint = docker.endpoint().to_string();
    for file in ["gzip.dam", "raw.dam"] {
        // 20.10 takes no zstd.
        let said = tool("docker", &["--host", &endpoint, "load", "--input", &path(file)]);
        assert!(said.contains("shop:2.0") && said.contains("tools:1.0"), "{said}");
        tool("docker", &["--host", &endpoint, "rmi", "shop:2.0", "tools:1.0"]);
    }
    let podman = PrivatePodman::start().expect("a Podman service");
    let url = podman.endpoint().to_string();
    for file in ["gzip.dam", "zstd.dam"] {
        let said = tool("podman", &["--remote", "--url", &url, "load", "--input", &path(file)]);
        assert!(said.contains("shop:2.0") && said.contains("tools:1.0"), "{said}");
        tool("podman", &["--remote", "--url", &url, "rmi", "shop:2.0", "tools:1.0"]);
    }
    let about = tool("skopeo", &["inspect", &format!("docker-archive:{}:shop:2.0", path("zstd.dam"))]);
    assert!(about.contains("DAM_APP_FAMILY"), "{about}");
}
