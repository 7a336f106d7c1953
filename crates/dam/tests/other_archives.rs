//! Files that other tools wrote: DAM 1.x, `docker save`, OCI archives.

mod support;

use std::io::Write;

use dam_oci::testing::{ARCHIVE_FORMS, ArchiveForm, ImageBuilder, archive, gzip};
use snapbox::str;
use support::Dam;

fn shop() -> ImageBuilder {
    let install = "#!/bin/sh\nprintf %s \"$DAM_APP_VERSION\" >\"$STATE/$DAM_APP_NAME\"\n";
    ImageBuilder::new()
        .file("meta/install", 0o755, install)
        .file("meta/uninstall", 0o755, "#!/bin/sh\nrm \"$STATE/$DAM_APP_NAME\"\n")
        .label("DAM_APP_FAMILY", "sales")
        .label("DAM_APP_MULTIVERSION", "false")
        .label("DAM_APP_SERVERS", ",")
        .layer()
        .file("bin/shop", 0o755, "v1")
}

fn written(form: ArchiveForm) -> Vec<u8> {
    archive(form, &[(&shop().build(), &["shop:1.0"])])
}

/// CRC-32 as DAM 1.x puts it into names.
fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// Installs a file of this name and takes the app away again.
fn installs(file: &str, bytes: &[u8]) {
    let dam = Dam::new().file(file, bytes);
    let info = dam.run(&format!("info ./{file}")).success();
    assert!(info.text().starts_with("shop 1.0\n  family        sales\n"), "{}", info.text());
    dam.run(&format!("install ./{file} --yes")).success().stdout("Installed shop 1.0\n");
    assert_eq!(dam.running("shop").as_deref(), Some("1.0"));
    dam.run("verify").success();
    dam.run("remove shop --yes").success();
    assert_eq!(dam.running("shop"), None);
    dam.is_empty();
}

#[test]
fn every_form_installs() {
    for form in ARCHIVE_FORMS {
        installs("any.tar", &written(form));
    }
}

#[test]
fn files_of_dam_1_2_carry_a_checksum_in_their_name() {
    let bytes = written(ArchiveForm::Dam12);
    let dam = Dam::new().file("shop.dam", &bytes);
    dam.run("install ./shop.dam --dry-run").success().said("carries no checksum");
    let name = format!("shop-1.0.{:08x}.dam", crc(&bytes));
    installs(&name, &bytes);
    installs(&name.to_uppercase().replace(".DAM", ".dam"), &bytes);
}

#[test]
fn files_of_dam_1_0_carry_checksum_and_size() {
    let bytes = written(ArchiveForm::Dam10);
    installs(&format!("shop-1.0.{:08x}-{}.dam", crc(&bytes), bytes.len()), &bytes);
}

#[test]
fn a_wrong_checksum_is_told_with_both_sums() {
    let bytes = written(ArchiveForm::Dam12);
    let dam = Dam::new().file("shop-1.0.0badc0de.dam", &bytes);
    let sum = format!("its name promises the checksum 0badc0de, its content has {:08x}\n", crc(&bytes));
    for line in ["install ./shop-1.0.0badc0de.dam --yes", "info ./shop-1.0.0badc0de.dam"] {
        dam.run(line).failure().no_stdout().said(&format!("`./shop-1.0.0badc0de.dam` is damaged: {sum}"));
    }
    dam.is_empty();
}

#[test]
fn a_wrong_size_is_told_with_both_sizes() {
    let bytes = written(ArchiveForm::Dam10);
    let name = format!("shop-1.0.{:08x}-99.dam", crc(&bytes));
    let dam = Dam::new().file(&name, &bytes);
    let run = dam.run(&format!("install {name} --yes")).failure().no_stdout();
    run.said(&format!("`{name}` is damaged: its name promises 99 bytes, it has {}\n", bytes.len()));
    dam.is_empty();
}

#[test]
fn docker_save_through_gzip_installs() {
    installs("shop.tar.gz", &gzip(&written(ArchiveForm::Docker20)));
    installs("shop.tgz", &gzip(&written(ArchiveForm::Docker25)));
}

#[test]
fn a_gzip_with_the_name_of_its_file_installs() {
    let builder = flate2::GzBuilder::new().filename("shop.tar").mtime(1_600_000_000).comment("by hand");
    let mut encoder = builder.write(Vec::new(), flate2::Compression::default());
    encoder.write_all(&written(ArchiveForm::Docker20)).expect("memory does not fail");
    installs("shop.dam", &encoder.finish().expect("memory does not fail"));
}

#[test]
fn of_an_archive_with_several_apps_the_user_must_choose() {
    let (one, other) = (shop().build(), shop().file("more", 0o644, "").build());
    let bytes = archive(ArchiveForm::Docker20, &[(&one, &["shop:1.0"]), (&other, &["shop:2.0"])]);
    let dam = Dam::new().file("both.tar", bytes);
    dam.run("install both.tar --yes").no_stdout().error(str![[r#"
error: `both.tar` carries 2 apps, not one
hint: dam info both.tar   lists them

"#]]);
    dam.is_empty();
}

#[test]
fn an_archive_without_names_is_refused() {
    let dam = Dam::new().archive("shop.tar", ArchiveForm::Docker20, shop(), &[]);
    let run = dam.run("install shop.tar --yes").failure().no_stdout();
    let _ = run.said("`shop.tar` does not say what its image sha256:");
    dam.is_empty();
}
