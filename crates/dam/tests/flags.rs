//! Flags that do what they say.

mod support;

use std::time::{Duration, Instant};

use support::Dam;

/// A dam with the project `shop` in its folder; `health` is the script, if it has one.
fn with_shop(health: Option<&str>) -> Dam {
    let dam = Dam::new().variable("PATH", "/usr/bin:/bin");
    std::fs::create_dir_all(dam.path("shop/meta")).expect("a folder");
    let dam = ["install", "uninstall"]
        .iter()
        .fold(dam, |dam, hook| dam.file(&format!("shop/meta/{hook}"), "#!/bin/sh\n"))
        .file("shop/Dockerfile", "FROM scratch\nCOPY meta /meta\n");
    health.into_iter().fold(dam, |dam, script| dam.file("shop/meta/health", script))
}

#[test]
fn a_flag_that_says_no_wins_over_the_project() {
    let dam = with_shop(None).file("shop/ENVIRONMENT", "DAM_APP_MULTIVERSION=true\n");
    let multiversion =
        |flags: &str| dam.run(&format!("create shop --json {flags}")).success().json()["multiversion"].clone();
    assert_eq!(multiversion(""), true);
    assert_eq!(multiversion("--multiversion=false"), false);
    assert_eq!(multiversion("--multiversion=true"), true);
}

#[test]
fn the_limit_for_scripts_is_the_limit_for_health() {
    let dam = with_shop(Some("#!/bin/sh\nexit 1\n"));
    let _ = dam.run("create shop --version 1.0").success();
    let started = Instant::now();
    let run = dam.run("install shop:1.0 --yes --json --timeout 1s").failure();
    assert_eq!(run.json()["error"]["message"], "shop:1.0 did not become healthy within 1 s");
    assert!(started.elapsed() < Duration::from_secs(30), "it waited as long as without a limit");
}
