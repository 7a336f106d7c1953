//! `dam engine build`: with tiny programs in the place of Docker's, which stand for them in all but size.

mod support;

use std::fs;
use std::path::Path;

use dam_core::testing::programs::{
    dynamic_program, engine_archive, engine_archive_with, failing_program, static_program, tgz,
};
use dam_pack::{Architecture, Format};
use serde_json::json;
use snapbox::str;
use support::Dam;

const AMD64: Architecture = Architecture::X86_64;

/// A folder with `docker-26.1.5.tgz` and the Compose plugin, and a date for what is made of them.
fn packer() -> Dam {
    let dam = Dam::new().variable("SOURCE_DATE_EPOCH", "1700000000");
    fs::write(dam.path("docker-26.1.5.tgz"), engine_archive(AMD64, "26.1.5")).expect("an archive");
    fs::write(dam.path("compose"), static_program(AMD64, "compose")).expect("a plugin");
    dam
}

/// Returns a text where digests are `HEX`: compressors change the bytes of archives when they are renewed.
fn without_bytes(text: &str) -> String {
    let is_hex = |word: &str| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut text = text.to_owned();
    let words: Vec<String> = text.split([' ', ':', ',', '\n']).filter(|word| is_hex(word)).map(str::to_owned).collect();
    words
        .iter()
        .filter(|word| !word.bytes().all(|byte| byte == b'0'))
        .for_each(|word| text = text.replace(word, "HEX"));
    text
}

/// Lists a folder; one that is not there has nothing.
fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name().into_string().expect("text");
    let mut names: Vec<_> = entries.map(name).collect();
    names.sort();
    names
}

#[test]
fn an_archive_becomes_two_packages() {
    let dam = packer();
    let run = dam.run("engine build --archive docker-26.1.5.tgz --compose compose --out out").success();
    snapbox::assert_data_eq!(
        without_bytes(run.text()),
        str![[r#"
! R14 warning: package
    it is not signed, and rpm takes none that is not
    on Fedora 45
Built out/dam-docker_26.1.5-1_amd64.deb   [..] kB  sha256 HEX
Built out/dam-docker-26.1.5-1.x86_64.rpm  [..] kB  sha256 HEX
Docker Engine 26.1.5, [..] kB unpacked, good for 39 targets; it accepts daemon.json

"#]]
    );
    assert_eq!(names(&dam.path("out")), ["dam-docker-26.1.5-1.x86_64.rpm", "dam-docker_26.1.5-1_amd64.deb"]);
    dam.run("engine check out/dam-docker_26.1.5-1_amd64.deb").success();
}

#[test]
fn each_thing_has_its_place() {
    let dam = packer();
    let _ = dam.run("engine build --archive docker-26.1.5.tgz --compose compose --out out").success();
    let places = |file: &str| -> Vec<String> {
        let told = dam.run(&format!("engine explain out/{file} --json")).success().json();
        let files = told["files"].as_array().expect("files").iter();
        files
            .map(|file| format!("{} {}", file["mode"].as_str().unwrap_or("-"), file["path"].as_str().expect("a path")))
            .collect()
    };
    snapbox::assert_data_eq!(
        places("dam-docker_26.1.5-1_amd64.deb").join("\n"),
        str![[r#"
0755 /etc
0755 /etc/docker
0755 /lib
0755 /lib/systemd
0755 /lib/systemd/system
0644 /lib/systemd/system/docker.service
0644 /lib/systemd/system/docker.socket
0755 /usr
0755 /usr/bin
0755 /usr/bin/docker
0777 /usr/bin/docker-compose
0755 /usr/bin/dockerd
0755 /usr/lib
0755 /usr/lib/modules-load.d
0644 /usr/lib/modules-load.d/dam-docker.conf
0755 /usr/lib/systemd
0755 /usr/lib/systemd/system-preset
0644 /usr/lib/systemd/system-preset/50-dam-docker.preset
0755 /usr/libexec
0755 /usr/libexec/docker
0755 /usr/libexec/docker/cli-plugins
0755 /usr/libexec/docker/cli-plugins/docker-compose
0755 /usr/libexec/docker/containerd
0755 /usr/libexec/docker/containerd-shim-runc-v2
0755 /usr/libexec/docker/ctr
0755 /usr/libexec/docker/docker-init
0755 /usr/libexec/docker/docker-proxy
0755 /usr/libexec/docker/runc
0755 /usr/share
0755 /usr/share/dam-docker
0644 /usr/share/dam-docker/daemon.json
0755 /usr/share/doc
0755 /usr/share/doc/dam-docker
0644 /usr/share/doc/dam-docker/changelog.Debian.gz
0644 /usr/share/doc/dam-docker/copyright
0644 /usr/share/doc/dam-docker/sbom.spdx.json
0755 /usr/share/licenses
0755 /usr/share/licenses/dam-docker
0644 /usr/share/licenses/dam-docker/Apache-2.0
0644 /usr/share/licenses/dam-docker/BSD-3-Clause
0644 /usr/share/licenses/dam-docker/LGPL-2.1
0644 /usr/share/licenses/dam-docker/MIT
0644 /usr/share/licenses/dam-docker/NOTICE
"#]]
    );
}

#[test]
fn json_tells_what_was_made() {
    let dam = packer();
    let json = dam.run("engine build --archive docker-26.1.5.tgz --format deb --out out --json").success().json();
    let package = &json["packages"][0];
    let file = fs::read(dam.path("out/dam-docker_26.1.5-1_amd64.deb")).expect("a package");
    assert_eq!(package["bytes"], json!(file.len()));
    assert_eq!(package["sha256"], json!(dam_oci::Digest::of(&file).to_string()));
    assert_eq!(package["format"], json!(Format::Deb.to_string()));
    assert_eq!(
        (&json["name"], &json["engine"], &json["version"]),
        (&json!("dam-docker"), &json!("26.1.5"), &json!("26.1.5-1"))
    );
    assert_eq!((&json["settings"], &package["signed"]), (&json!("accepted"), &json!(false)));
}

#[test]
fn the_same_parts_give_the_same_bytes_everywhere() {
    let build = |dam: &Dam, line: &str| {
        let _ = dam.run(&format!("engine build --archive docker-26.1.5.tgz --compose compose --out {line}")).success();
        ["dam-docker-26.1.5-1.x86_64.rpm", "dam-docker_26.1.5-1_amd64.deb"]
            .map(|name| fs::read(dam.path(line.split(' ').next().expect("a folder")).join(name)).expect("a package"))
    };
    let one = packer();
    let other = packer()
        .variable("TZ", "Pacific/Chatham")
        .variable("LC_ALL", "tr_TR.UTF-8")
        .variable("HOSTNAME", "plant")
        .of_nobody();
    let [first, again, elsewhere] = [build(&one, "out"), build(&one, "other/place"), build(&other, "deeper/out")];
    assert!(first == again && first == elsewhere, "the packages differ");
}

#[test]
fn a_recipe_is_taken_from_this_folder_and_flags_win() {
    let dam = packer();
    dam.run("engine build").failure().error(str![[r#"
error: there is no engine to package: the recipe names no archive
hint: dam engine build --archive docker-VERSION.tgz   packages the archive that Docker publishes
hint: dam engine init                                 begins a recipe

"#]]);
    let recipe = "name = \"plant-docker\"\nrelease = \"3\"\n[archive]\npath = \"docker-26.1.5.tgz\"\n";
    fs::write(dam.path("engine.toml"), recipe).expect("a recipe");
    let _ = dam.run("engine build --format deb --version 27.0.0-rc.1").success();
    assert_eq!(names(&dam.path("target/engine")), ["plant-docker_27.0.0~rc.1-3_amd64.deb"]);
}

#[test]
fn dam_rides_along() {
    let dam = packer();
    fs::write(dam.path("engine.toml"), "include_dam = true\ndynamic = [\"dam\"]\n").expect("a recipe");
    let _ = dam.run("engine build --archive docker-26.1.5.tgz --fast --format deb --out out").success();
    let told = dam.run("engine explain out/dam-docker_26.1.5-1_amd64.deb --json").success().json();
    let paths: Vec<_> =
        told["files"].as_array().expect("files").iter().map(|file| file["path"].as_str().expect("a path")).collect();
    for path in
        ["/usr/bin/dam", "/usr/share/man/man1/dam-engine-build.1.gz", "/usr/share/bash-completion/completions/dam"]
    {
        assert!(paths.contains(&path), "{path} in {paths:?}");
    }
}

/// Each of these ends with one error, exit status 1, and nothing in the folder for packages.
#[test]
fn bad_days_leave_nothing() {
    let dam = packer();
    let whole = engine_archive(AMD64, "26.1.5");
    fs::write(dam.path("docker-26.1.6.tgz"), &whole[..whole.len() / 2]).expect("a cut archive");
    fs::write(dam.path("docker-26.1.7.tgz"), tgz(&[("docker/../../evil", b"x")])).expect("an archive that escapes");
    fs::write(dam.path("docker-26.1.8.tgz"), engine_archive(Architecture::Aarch64, "26.1.8"))
        .expect("another processor");
    fs::write(dam.path("docker.tgz"), engine_archive(AMD64, "no version")).expect("an archive without a version");
    fs::write(dam.path("dynamic"), dynamic_program(AMD64, &[("libc.so.6", &["GLIBC_2.34"])])).expect("a program");
    fs::write(dam.path("bad.toml"), "[service]\nrestrat = \"never\"\n").expect("a recipe");
    fs::write(dam.path("no.json"), "{ \"live-restore\": tru }").expect("settings");
    fs::write(dam.path("json.toml"), "[daemon]\nfile = \"no.json\"\n").expect("a recipe");
    let refusing = failing_program("the following directives don't match: bip");
    fs::write(dam.path("docker-27.0.0.tgz"), engine_archive_with("dockerd", &refusing, &static_program(AMD64, "")))
        .expect("an engine that refuses");
    let mut told = String::new();
    for line in [
        "--archive docker-26.1.6.tgz",
        "--archive docker-26.1.5.tgz --sha256 0000000000000000000000000000000000000000000000000000000000000000",
        "--archive docker-26.1.7.tgz",
        "--archive docker-26.1.8.tgz",
        "--archive docker-26.1.5.tgz --arch arm64",
        "--archive docker.tgz",
        "--archive docker-26.1.5.tgz --compose dynamic",
        "--archive nowhere.tgz",
        "--archive docker-27.0.0.tgz",
        "bad.toml --archive docker-26.1.5.tgz",
        "json.toml --archive docker-26.1.5.tgz",
        "nowhere.toml",
    ] {
        let run = dam.run(&format!("engine build {line} --out out")).failure().no_stdout();
        told += &format!("$ {line}\n{}", without_bytes(run.talk()));
        assert_eq!(names(&dam.path("out")), [""; 0], "{line}");
    }
    snapbox::assert_data_eq!(
        told,
        str![[r#"
$ --archive docker-26.1.6.tgz
error: `docker-26.1.6.tgz` is damaged: its gzip stream breaks off
hint: copy the file again from where it came
$ --archive docker-26.1.5.tgz --sha256 0000000000000000000000000000000000000000000000000000000000000000
error: `docker-26.1.5.tgz` has the digest sha256:HEX, not sha256:0000000000000000000000000000000000000000000000000000000000000000
hint: sha256sum docker-26.1.5.tgz   to compare with what its publisher says
$ --archive docker-26.1.7.tgz
error: `docker-26.1.7.tgz` is refused: the name `docker/../../evil` has a `..` in it
hint: copy the file again from where it came
$ --archive docker-26.1.8.tgz
error: `docker` of `docker-26.1.8.tgz` is for arm64, not for amd64
hint: dam engine build --archive docker-26.1.8.tgz --out out --arch arm64   makes the package for that processor
$ --archive docker-26.1.5.tgz --arch arm64
error: `docker` of `docker-26.1.5.tgz` is for amd64, not for arm64
hint: dam engine build --archive docker-26.1.5.tgz --arch arm64 --out out --arch amd64   makes the package for that processor
$ --archive docker.tgz
error: neither the recipe nor `docker.tgz` says which version the engine has
hint: dam engine build --archive docker.tgz --out out --version 26.1.5   says it
$ --archive docker-26.1.5.tgz --compose dynamic
error: `dynamic` is not static: it wants `libc.so.6` with GLIBC_2.34, and the oldest target that has it is EL 9 (glibc 2.34)
hint: take a static one; or, if every machine it is for has those libraries, add to the recipe: dynamic = ["dynamic"]
$ --archive nowhere.tgz
error: cannot access `nowhere.tgz`
caused by: No such file or directory (os error 2)
$ --archive docker-27.0.0.tgz
error: the engine does not take the settings of `daemon.json`
           | the following directives don't match: bip
$ bad.toml --archive docker-26.1.5.tgz
error: the recipe `bad.toml` has a fault
caused by: bad.toml:2: `service.restrat` is no key of a recipe, `service.restart` is
$ json.toml --archive docker-26.1.5.tgz
error: `no.json` is no JSON
caused by: expected ident at line 1 column 22
$ nowhere.toml
error: cannot access `nowhere.toml`
caused by: No such file or directory (os error 2)
hint: dam engine init nowhere.toml   writes one to begin with

"#]]
    );
}

#[test]
fn a_url_needs_a_digest() {
    let dam = packer();
    dam.run("engine build --archive https://plant.example/docker-26.1.5.tgz").misuse().stderr(str![[r#"
error: what comes from `https://plant.example/docker-26.1.5.tgz` is checked against its digest, and none is given
hint: dam engine build --archive https://plant.example/docker-26.1.5.tgz --sha256 HEX

"#]]);
}

#[test]
fn a_full_disk_leaves_nothing() {
    let dam = packer().small_disk("disk", 16 << 10);
    let run = dam.run("engine build --archive docker-26.1.5.tgz --format rpm --out disk/out").failure().no_stdout();
    snapbox::assert_data_eq!(
        run.talk(),
        str![[r#"
error: cannot write `disk/out/dam-docker-26.1.5-1.x86_64.rpm`
caused by: No space left on device (os error 28) at path "[FOLDER]/disk/out/.dam-engine-[..]"
hint: dam engine build --archive docker-26.1.5.tgz --format rpm --out disk/out --out DIR   writes them to another disk

"#]]
    );
    assert_eq!(names(&dam.path("disk/out")), [""; 0]);
}
