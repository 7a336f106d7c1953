//! Repositories, made here and read by apt, by dnf and beside createrepo_c.

mod apt;
#[path = "../rpm/keys.rs"]
mod keys;
#[path = "../sample/mod.rs"]
mod of_deb;
#[allow(dead_code, reason = "shared with the tests of .rpm")]
#[path = "../rpm/sample.rs"]
mod of_rpm;
mod stick;
mod suites;
#[allow(dead_code, reason = "shared with the tests of .rpm")]
#[path = "../rpm/tools.rs"]
mod tools;
mod write;
mod yum;
