//! Folders that are no apps yet.

mod support;

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;

use snapbox::{IntoData, str};
use support::{App, Dam};

/// What `dam create shop` says of a project, which must leave no trace.
fn refused(change: impl FnOnce(App) -> App, error: impl IntoData) {
    let dam = Dam::new().project("shop", change);
    dam.run("create shop").no_stdout().error(error);
    dam.is_empty();
}

#[test]
fn a_folder_that_is_not_there() {
    Dam::new().run("create shop").no_stdout().error(str![[r#"
error: there is no project folder `shop`

"#]]);
}

#[test]
fn a_missing_dockerfile() {
    refused(
        |app| app.without("Dockerfile"),
        str![[r#"
error: there is no Dockerfile at `shop/Dockerfile`

"#]],
    );
}

#[test]
fn a_missing_meta() {
    refused(
        |app| app.without("meta"),
        str![[r#"
error: there is no folder `shop/meta`
hint: mkdir shop/meta   then write `install` and `uninstall` in it

"#]],
    );
}

#[test]
fn a_missing_install() {
    refused(
        |app| app.without("meta/install"),
        str![[r#"
error: there is neither `shop/meta/install` nor `shop/meta/install.exp`

"#]],
    );
}

#[test]
fn a_missing_uninstall() {
    refused(
        |app| app.without("meta/uninstall"),
        str![[r#"
error: there is neither `shop/meta/uninstall` nor `shop/meta/uninstall.exp`

"#]],
    );
}

#[test]
fn a_dockerfile_that_leaves_meta_out() {
    refused(
        |app| app.file("Dockerfile", "FROM scratch\nCOPY Dockerfile /\n"),
        str![[r#"
error: the image that `shop/Dockerfile` builds has no `/meta` with `install` and `uninstall`
hint: add to the Dockerfile: COPY meta /meta

"#]],
    );
}

#[test]
fn a_dockerfile_that_is_none() {
    refused(
        |app| app.file("Dockerfile", "FROM scratch\nCOPPY meta /meta\n"),
        str![[r#"
error: `shop/Dockerfile` cannot be built
caused by: line 2: unknown instruction 'COPPY'

"#]],
    );
    refused(
        |app| app.file("Dockerfile", ""),
        str![[r#"
error: `shop/Dockerfile` cannot be built
caused by: line 1: expected at least one FROM instruction

"#]],
    );
    refused(
        |app| app.file("Dockerfile", b"\x7fELF\0\xff"),
        str![[r#"
error: cannot access `shop/Dockerfile`
caused by: stream did not contain valid UTF-8

"#]],
    );
}

#[test]
fn a_dockerfile_that_needs_an_engine() {
    refused(
        |app| app.file("Dockerfile", "FROM scratch\nCOPY meta /meta\nRUN true\n"),
        str![[r#"
error: `shop/Dockerfile` cannot be built
caused by: line 3: RUN needs a container engine
hint: dam create shop --store docker   builds it

"#]],
    );
}

#[test]
fn a_file_that_the_dockerfile_wants_and_nobody_has() {
    refused(
        |app| app.file("Dockerfile", "FROM scratch\nCOPY meta /meta\nCOPY www /www\n"),
        str![[r#"
error: `shop/Dockerfile` cannot be built
caused by: line 3: `www` is not in the build context

"#]],
    );
}

#[test]
fn an_install_that_is_a_folder() {
    refused(
        |app| app.without("meta/install").file("meta/install/run", "#!/bin/sh\n"),
        str![[r#"
error: there is neither `shop/meta/install` nor `shop/meta/install.exp`

"#]],
    );
}

#[test]
fn a_folder_whose_name_is_no_name_for_an_app() {
    let dam = Dam::new().project("§§", |app| app);
    dam.run("create §§").no_stdout().error(str![[r#"
error: the folder's name `§§` cannot be made the name of an app
hint: dam create '§§' --name NAME

"#]]);
    dam.is_empty();
}

/// Permission bits bind everybody but root.
fn unreadable(path: &str, error: impl IntoData) {
    let dam = Dam::new().project("shop", |app| app.file("www/index.html", "hello")).of_nobody();
    set_permissions(dam.path("shop").join(path), Permissions::from_mode(0o000)).expect("our own file");
    dam.run("create shop").no_stdout().error(error);
    set_permissions(dam.path("shop").join(path), Permissions::from_mode(0o755)).expect("our own file");
    dam.is_empty();
}

#[test]
fn an_unreadable_dockerfile() {
    unreadable(
        "Dockerfile",
        str![[r#"
error: cannot access `shop/Dockerfile`
caused by: Permission denied (os error 13)
hint: sudo dam create shop

"#]],
    );
}

#[test]
fn an_unreadable_hook() {
    unreadable(
        "meta/install",
        str![[r#"
error: cannot access `[FOLDER]/shop/meta/install`
caused by: Permission denied (os error 13)
hint: sudo dam create shop

"#]],
    );
}

#[test]
fn an_unreadable_folder() {
    unreadable(
        "www",
        str![[r#"
error: cannot access `[FOLDER]/shop/www`
caused by: Permission denied (os error 13)
hint: sudo dam create shop

"#]],
    );
}

#[test]
fn an_unreadable_file_that_is_left_out_hurts_nobody() {
    let dam = Dam::new().project("shop", |app| app.file("secret", "1234").file(".dockerignore", "secret\n"));
    let dam = dam.of_nobody();
    set_permissions(dam.path("shop/secret"), Permissions::from_mode(0o000)).expect("our own file");
    dam.run("create shop --version 1.0").success();
}
