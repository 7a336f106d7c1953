//! `dam addrepo`, `modifyrepo`, `removerepo` and `listrepos`.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use dam_oci::testing::registry::{PASSWORD, RegistryBuilder, ScriptedServer, USER};
use serde_json::json;
use snapbox::str;
use support::terminal::Talk;
use support::{Dam, Run};

const SECRET: &str = "hunter2-of-robin";

/// Runs a line with something on its standard input.
fn fed(dam: &Dam, line: &str, input: &str) -> Run {
    let mut command = dam.command(line);
    let file = dam.path("input");
    fs::write(&file, input).expect("writable");
    command.stdin(fs::File::open(file).expect("readable"));
    dam.finish(command, line)
}

#[test]
fn docker_hub_is_there_from_the_start() {
    let dam = Dam::new();
    dam.run("listrepos").success().no_stderr().stdout(str![[r#"
ID  DEF  NAME      SERVER     USER  NOTES
1   *    official  docker.io

"#]]);
    dam.run("lr --raw").success().no_stderr().stdout("1;*;official;docker.io;\n");
    assert!(!dam.root().exists(), "a look makes nothing");
}

#[test]
fn a_repo_lives() {
    let dam = Dam::new();
    dam.run("addrepo --name plant --server registry.plant:5000 --default")
        .success()
        .no_stderr()
        .stdout("Added repo 2 plant (registry.plant:5000), the default now\n");
    dam.run("ar --name copy --server https://mirror.plant/hub --mirror-of docker.io --insecure")
        .success()
        .no_stderr()
        .stdout("Added repo 3 copy (https://mirror.plant/hub)\n");
    dam.run("listrepos").success().no_stderr().stdout(str![[r#"
ID  DEF  NAME      SERVER                    USER  NOTES
1        official  docker.io
2   *    plant     registry.plant:5000
3        copy      https://mirror.plant/hub        insecure, mirror of docker.io

"#]]);
    dam.run("mr plant --name site --server registry2.plant:5000")
        .success()
        .no_stderr()
        .stdout("Changed repo 2 site (registry2.plant:5000)\n");
    dam.run("modifyrepo copy --default --insecure=false --mirror-of=").success().no_stderr().stdout(str![[r#"
Changed repo 3 copy (https://mirror.plant/hub)
Names without a registry belong to copy now

"#]]);
    dam.run("modifyrepo 3 --default").success().stdout("Repo 3 copy (https://mirror.plant/hub) is as it was\n");
    dam.run("removerepo copy").error(str![[r#"
error: repo `copy` is the default
hint: dam removerepo copy --force   removes it, and Docker Hub becomes the default

"#]]);
    dam.run("rr copy --force=true").success().no_stderr().stdout(str![[r#"
Removed repo 3 copy (https://mirror.plant/hub)
Names without a registry belong to official now

"#]]);
    dam.run("modifyrepo site --default").success().stdout(str![[r#"
Changed repo 2 site (registry2.plant:5000)
Names without a registry belong to site now

"#]]);
    dam.run("modifyrepo site --default=false").success().stdout(str![[r#"
Changed repo 2 site (registry2.plant:5000)
Names without a registry belong to official now

"#]]);
    dam.run("listrepos --raw").success().stdout("1;*;official;docker.io;\n2;;site;registry2.plant:5000;\n");
    dam.run("listrepos site").success().stdout(str![[r#"
ID  DEF  NAME  SERVER                USER  NOTES
2        site  registry2.plant:5000

"#]]);
}

#[test]
fn slips_are_told() {
    let dam = Dam::new();
    let _ = dam.run("addrepo --name plant --server plant:5000").success();
    dam.run("addrepo --name plant --server other:5000").error(str![[r#"
error: repo 2 is called `plant` already
hint: dam modifyrepo 2   changes that one

"#]]);
    dam.run("addrepo --name other --server http://other:5000").error(str![[r#"
error: `http://other:5000` is spoken to by plain http, which is not secure
hint: dam addrepo --name other --server http://other:5000 --insecure   says that this is known

"#]]);
    dam.run("addrepo --name 7 --server other:5000").misuse().stderr(str![[r#"
error: `7` is not the name of a repo: 1 to 64 letters, digits, `_` and `-`, not only digits
hint: dam addrepo --help

"#]]);
    dam.run("addrepo --name other --server other").misuse().stderr(str![[r#"
error: `other` is not a registry: it is written `[http://|https://]host[:port][/path]`, and the host has a `.` or a port
hint: dam addrepo --help

"#]]);
    dam.run("modifyrepo plant").misuse().stderr(str![[r#"
error: `dam modifyrepo` needs something to change
hint: dam modifyrepo --help

"#]]);
    dam.run("modifyrepo other --default").error("error: there is no repo `other`\nhint: dam listrepos   shows all\n");
    dam.run("removerepo 1 --force").error("error: repo 1 is Docker Hub, which is built in and cannot be removed\n");
    dam.run("modifyrepo official --name hub").error(str![[r#"
error: repo 1 is Docker Hub: its name cannot be changed
hint: its default mark, its login and its authority can be changed

"#]]);
    let dam = dam.file("plant.pem", "no certificate\n");
    dam.run("modifyrepo plant --ca plant.pem").error(str![[r#"
error: `plant.pem` holds no certificate, PEM: there is none in it
hint: a PEM file has lines such as -----BEGIN CERTIFICATE-----

"#]]);
    dam.run("modifyrepo plant --ca none.pem").error(str![[r#"
error: cannot access `none.pem`
caused by: No such file or directory (os error 2)

"#]]);
    dam.run("listrepos --raw").success().stdout("1;*;official;docker.io;\n2;;plant;plant:5000;\n");
}

#[test]
fn json_says_what_there_is_and_no_secret() {
    let dam = Dam::new();
    let added = fed(&dam, "addrepo --json --name plant --server plant:5000 --username robin --password-stdin", SECRET);
    let plant = json!({
        "id": 2, "name": "plant", "server": "plant:5000", "default": false, "username": "robin",
        "password_kept": true, "ca": false, "client_cert": false, "insecure": false
    });
    assert_eq!(added.success().no_stderr().json(), json!({ "repo": plant }));
    assert_eq!(dam.run("listrepos --json").success().json()["repos"][1], plant);
    let modified = dam.run("modifyrepo plant --json --username= --mirror-of docker.io --default").success().json();
    let plant = json!({
        "id": 2, "name": "plant", "server": "plant:5000", "default": true,
        "password_kept": false, "ca": false, "client_cert": false, "insecure": false, "mirror_of": "docker.io"
    });
    assert_eq!(modified, json!({ "repo": plant, "changed": true, "new_default": "plant" }));
    let removed = dam.run("removerepo plant --json --force").success().json();
    assert_eq!(removed, json!({ "repo": plant, "new_default": "official" }));
}

#[test]
fn a_password_comes_by_pipe_or_not_at_all() {
    let dam = Dam::new();
    dam.run("addrepo --name plant --server plant:5000 --username robin")
        .success()
        .stderr("hint: dam modifyrepo plant --password-stdin   keeps a password, unless `docker login` knows one\n");
    fed(&dam, "modifyrepo plant --password-stdin", "two words\r\n").success().no_stderr().stdout(str![[r#"
Changed repo 2 plant (plant:5000)

"#]]);
    dam.run("listrepos plant").success().stdout(str![[r#"
ID  DEF  NAME   SERVER      USER   NOTES
2        plant  plant:5000  robin  password

"#]]);
    fed(&dam, "modifyrepo plant --password-stdin", "\n").misuse().stderr(str![[r#"
error: standard input is no password: it is empty
hint: pass plant | dam … --password-stdin   hands one over

"#]]);
    dam.run("modifyrepo plant --password s3cret")
        .success()
        .stderr("warning: every user of this machine can see --password in `ps`; --password-stdin hides it\n");
    dam.run("modifyrepo plant --password s3cret --password-stdin").misuse().stderr(str![[r#"
error: --password <PASSWORD> and --password-stdin exclude each other
hint: dam modifyrepo --help

"#]]);
    dam.run("modifyrepo plant --password=").success().said("can see --password");
    assert_eq!(dam.run("listrepos --json").success().json()["repos"][1]["password_kept"], false);
    let refused = fed(&dam, "modifyrepo official --password-stdin", "x").failure();
    assert_eq!(
        refused.talk(),
        "error: repo `official` has no user to whom the password could belong\nhint: dam modifyrepo official --password-stdin --username USER\n"
    );
}

#[test]
fn at_a_terminal_a_password_is_asked_for_and_not_seen() {
    let dam = Dam::new();
    let line = "addrepo --name plant --server plant:5000 --username robin";
    let Talk { code, screen } = dam.converse(line, &[("Password of robin at plant: ", SECRET)]);
    assert_eq!(code, Some(0));
    assert_eq!(screen, "Password of robin at plant: \nAdded repo 2 plant (plant:5000)\n");
    let ledger = dam_core::ledger::Ledger::open_existing(&dam.root()).expect("readable").expect("it is there");
    let kept = ledger.repos().expect("readable")[1].password.clone();
    assert_eq!(kept.expect("a password").reveal(), SECRET);
}

#[test]
fn a_check_says_what_is_wrong_with_each() {
    let open = RegistryBuilder::new().start().expect("docker-registry");
    let login = RegistryBuilder::new().login().start().expect("docker-registry");
    let tls = RegistryBuilder::new().tls().start().expect("docker-registry");
    let hub = ScriptedServer::start(|_, answer| answer.send(200, &[], "{}")).expect("a server");
    let dam = Dam::new().online().variable("DAM_DOCKER_HUB", &hub.url()).file("ca.pem", tls.ca().expect("it has one"));
    for (name, server) in
        [("open", open.host()), ("login", login.host()), ("tls", tls.host()), ("gone", "127.0.0.1:1".into())]
    {
        let _ = dam.run(&format!("addrepo --name {name} --server {server}")).success();
    }
    let run = dam.run("listrepos --check").failure().no_stderr();
    let text = run.text().replace(&login.host(), "LOGIN").replace(&tls.host(), "TLS").replace(&open.host(), "OPEN");
    let answers: Vec<Vec<&str>> = text.lines().take(6).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        answers,
        [
            vec!["ID", "DEF", "NAME", "SERVER", "USER", "ANSWER", "NOTES"],
            vec!["1", "*", "official", "docker.io", "ok"],
            vec!["2", "open", "OPEN", "ok"],
            vec!["3", "login", "LOGIN", "fails"],
            vec!["4", "tls", "TLS", "fails"],
            vec!["5", "gone", "127.0.0.1:1", "fails"],
        ]
    );
    assert!(text.contains("\nlogin\nerror: LOGIN: cannot "), "{text}");
    assert!(text.contains("hint: dam modifyrepo login --username USER   keeps a login\n"), "{text}");
    assert!(text.contains("hint: dam modifyrepo tls --ca FILE   trusts its authority\n"), "{text}");
    assert!(text.contains("caused by: cannot be reached\n"), "{text}");

    fed(&dam, &format!("modifyrepo login --username {USER} --password-stdin"), PASSWORD).success().no_stderr();
    let _ = dam.run("modifyrepo tls --ca ca.pem").success();
    fs::remove_file(dam.path("ca.pem")).expect("it was read");
    let _ = dam.run("removerepo gone").success();
    let checked = dam.run("listrepos --check --json").success().no_stderr().json();
    let answers: Vec<_> = checked["repos"].as_array().expect("a list").iter().map(|repo| &repo["check"]).collect();
    assert_eq!(answers, [&json!({ "ok": true }); 4]);

    fed(&dam, &format!("modifyrepo login --username {USER} --password-stdin"), "wrong").success().no_stderr();
    let checked = dam.run("listrepos login tls --check --json").failure().json();
    assert_eq!(checked["repos"][0]["check"]["error"]["kind"], "registry-login");
    assert_eq!(checked["repos"][1]["check"], json!({ "ok": true }));

    let offline = dam.variable("DAM_OFFLINE", "1");
    offline.run("listrepos --check").error(str![[r#"
error: dam is set to ask no registry
hint: take `offline = true` out of the settings, or DAM_OFFLINE out of the environment

"#]]);
}

#[test]
fn a_login_of_docker_comes_first() {
    let login = RegistryBuilder::new().login().start().expect("docker-registry");
    let dam = Dam::new().online();
    fed(&dam, &format!("addrepo --name login --server {} --username {USER} --password-stdin", login.host()), "wrong")
        .success()
        .no_stderr();
    let _ = dam.run("listrepos --check login").failure();
    let helper = format!(
        "#!/bin/sh\nread -r server\necho \"$server\" >'{0}/asked'\ntr '\\0' ' ' <\"/proc/$PPID/cmdline\" >>'{0}/asked'\n\
         printf '%s ' \"$0\" \"$@\" >>'{0}/asked'\necho '{{\"Username\":\"{USER}\",\"Secret\":\"{PASSWORD}\"}}'\n",
        dam.path("").display()
    );
    let dam = dam.file("docker-credential-site", helper);
    let program = dam.path("docker-credential-site");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("ours");
    let folder = dam.path("").display().to_string();
    let dam = dam.file("config.json", r#"{"credsStore":"site"}"#).variable("DOCKER_CONFIG", &folder);
    let dam = dam.variable("PATH", &format!("{folder}:/usr/bin:/bin"));
    let _ = dam.run("listrepos --check login").success().no_stderr();
    let asked = fs::read_to_string(dam.path("asked")).expect("it was asked");
    assert!(asked.starts_with(&format!("{}\n", login.host())) && asked.ends_with("site get "), "{asked}");
    assert!(!asked.contains(PASSWORD), "{asked}");
    // One that is broken does not hide what dam knows itself.
    let dam = dam.file("config.json", r#"{"credsStore":"none"}"#);
    fed(&dam, "modifyrepo login --password-stdin", PASSWORD).success().no_stderr();
    let _ = dam.run("listrepos --check login").success();
    let _ = dam.run("modifyrepo login --username=").success();
    let faults = dam.run("listrepos --check login").failure();
    assert!(
        faults.text().contains("error: the credential helper `docker-credential-none` is not there\n"),
        "{}",
        faults.text()
    );
}

#[test]
fn a_password_is_nowhere_but_in_the_ledger() {
    let login = RegistryBuilder::new().login().start().expect("docker-registry");
    let dam = Dam::new().online();
    let add = format!("addrepo --debug --name plant --server {} --username robin", login.host());
    let clash = format!("addrepo --debug --name plant --server x:1 --username robin --password {SECRET}");
    let plain = format!("addrepo --name other --server http://x:1 --username robin --password={SECRET}");
    let runs = [
        fed(&dam, &format!("{add} --password-stdin"), SECRET),
        dam.run(&clash),
        dam.run(&format!("{clash} --json")),
        dam.run(&plain),
        dam.run(&format!("modifyrepo plant --password {SECRET} --nonsense")),
        dam.run(&format!("modifyrepo --json plant --password {SECRET} --debug")),
        dam.run("listrepos --check --debug plant"),
        dam.run("listrepos --check --json plant"),
        dam.run("listrepos --raw"),
        dam.run("doctor --debug"),
        dam.run("history --json"),
        dam.run("removerepo plant --json"),
    ];
    for run in runs {
        let said = format!("{}{}", run.text(), run.talk());
        assert!(!said.contains(SECRET) && !said.contains("aHVudGVyMi1vZi1yb2Jpbg"), "{said}");
    }
    let _ = fed(&dam, &format!("{add} --password-stdin"), SECRET).success();
    let ledger = dam.root().join("ledger.db");
    assert_eq!(fs::metadata(&ledger).expect("it is there").permissions().mode() & 0o7777, 0o600);
    for file in fs::read_dir(dam.root()).expect("a folder") {
        let path = file.expect("a file").path();
        let bytes = fs::read(&path).expect("readable");
        let holds = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
        assert_eq!(holds, path == ledger, "{}", path.display());
    }
}

#[test]
fn a_registry_is_named_as_its_repo_in_hints() {
    let login = RegistryBuilder::new().login().start().expect("docker-registry");
    let dam = Dam::new().online().variable("DAM_DOCKER_HUB", "http://127.0.0.1:1");
    let _ = dam.run(&format!("addrepo --name plant --server {}", login.host())).success();
    let hint = "hint: dam modifyrepo plant --username USER   keeps a login\n";
    dam.run("search --repo plant shop").failure().said(hint);
    dam.run("search shop").failure().said(hint);
    let json = dam.run("search shop --json").failure().json().to_string();
    assert!(json.contains("dam modifyrepo plant --username USER"), "{json}");
}

#[test]
fn repos_of_dam_1_come_along_with_their_passwords() {
    let dam = Dam::new();
    fs::create_dir_all(dam.path("home/.cache/dam")).expect("a folder");
    let repos = "1;;official;https://registry-1.docker.io/;;\n2;*;plant;plant:5000;me;aHVudGVyMi1vZi1yb2Jpbg==\n\
                 3;;auto0;a:1;;\n4;;auto0;b:1;;\n5;;auto0;somebody;;\n";
    let dam = dam.file("home/.cache/dam/Repos", repos).file("home/.cache/dam/Apps", "");
    dam.run("migrate --dry-run").success().stdout(str![[r#"
  take over  repo plant  plant:5000, the default, with its password
  take over  repo auto0  a:1
  take over  repo auto0-2  b:1
warning: repo `auto0` of DAM 1.x is left out: `somebody` is not a registry: it is written `[http://|https://]host[:port][/path]`, and the host has a `.` or a port

"#]]);
    let _ = dam.run("migrate --yes").success().said("");
    dam.run("listrepos").success().no_stderr().stdout(str![[r#"
ID  DEF  NAME      SERVER      USER  NOTES
1        official  docker.io
2   *    plant     plant:5000  me    password
3        auto0     a:1
4        auto0-2   b:1

"#]]);
}
