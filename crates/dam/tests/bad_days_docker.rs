//! An engine that goes away.

mod support;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use dam_core::testing::PrivateDocker;
use dam_oci::testing::{ArchiveForm, ImageBuilder};
use support::Dam;

/// Bytes of all files below a folder.
fn bytes_below(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(known) if known.is_dir() => bytes_below(&entry.path()),
        Ok(known) => known.len(),
        Err(_) => 0,
    };
    entries.map(size).sum()
}

#[test]
fn the_engine_gone_in_the_middle_of_a_load() {
    let mut docker = PrivateDocker::start().expect("a Docker daemon");
    let image = ImageBuilder::app().layer().file("noise", 0o644, vec![7; 200 << 20]);
    let dam = Dam::new().archive("shop.tar", ArchiveForm::Docker20, image, &["shop:1.0"]);
    let dam = dam.variable("DAM_STORE", "docker").variable("DOCKER_HOST", &docker.endpoint().to_string());

    let mut command = dam.command("install shop.tar --yes");
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("dam starts");
    let unpacked = docker.data().expect("it is private").join("tmp");
    let begun = Instant::now();
    while bytes_below(&unpacked) < 20 << 20 && begun.elapsed() < Duration::from_secs(30) {
        sleep(Duration::from_millis(2));
    }
    docker.kill();
    let ended = child.wait_with_output().expect("our child");
    docker.start_again().expect("it starts again");
    let talk = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{talk}");
    assert!(talk.contains("error: ") && talk.contains("hint: dam doctor"), "{talk}");

    dam.run("list").success().stdout("no app is installed\n");
    let images =
        dam.run("purge --all --dry-run --json").success().said("undoing what was cut off: install of shop 1.0");
    let images = images.json();
    assert_eq!(images["remove"], serde_json::json!([]), "{talk}");
    let history = dam.run("history").success();
    assert!(history.text().contains("install   shop 1.0  failed, undone\n"), "{}{talk}", history.text());
    dam.run("install shop.tar --yes").success().stdout("Installed shop 1.0\n");
    dam.run("verify").success();
}
