//! A product of three apps on one base, as real images: they run.

use std::path::Path;

use dam_oci::testing::{ArchiveForm, ImageBuilder, MemoryImage, archive};

/// Bytes of the base that no compression makes less.
pub(crate) const BASE: usize = 5 << 20;

/// The apps of the product, by the names of their images: one for each machine, one that may be there in several versions,
/// and one with a registry.
pub(crate) const NAMES: [&str; 3] = ["shop", "tools", "plant.site:5000/till"];

/// What all apps stand on: a shell, and something long. `which` makes it another one.
fn base(which: &str) -> ImageBuilder {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    let noise: Vec<u8> = (0..BASE).map(|_| noise()).collect();
    let busybox = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| Path::new(path).exists());
    let busybox = std::fs::read(busybox.expect("`make test` installs busybox-static")).expect("a file");
    ImageBuilder::new().file("bin/busybox", 0o755, busybox).file("share/noise", 0o644, noise).file(
        "share/which",
        0o644,
        which,
    )
}

/// Makes an app, whose hooks keep the version that runs in `$STATE/NAME` and that it is well in `$STATE/NAME.health`.
pub(crate) fn app(which: &str, name: &str, version: &str) -> MemoryImage {
    let hook = |line: &str| format!("#!/bin/sh\n{line}\n");
    let app = base(which)
        .layer()
        .file("meta/install", 0o755, hook(r#"printf %s "$DAM_APP_VERSION" >"$STATE/$DAM_APP_NAME""#))
        .file("meta/uninstall", 0o755, hook(r#"rm "$STATE/$DAM_APP_NAME"*"#))
        .file("meta/health", 0o755, hook(r#"cp "$STATE/$DAM_APP_NAME" "$STATE/$DAM_APP_NAME.health""#))
        .layer()
        .file("share/app", 0o644, format!("{name} {version}\n"));
    match name {
        "tools" => app.label("DAM_APP_MULTIVERSION", "true"),
        name if name.contains('/') => app.label("DAM_APP_SERVERS", name.split('/').next().expect("it has one")),
        _ => app,
    }
    .build()
}

/// Writes the product as `docker save` does; the shop has this version, the others 1.0.
pub(crate) fn saved(which: &str, shop: &str) -> Vec<u8> {
    let versions = NAMES.map(|name| if name == "shop" { shop } else { "1.0" });
    let names: Vec<String> = NAMES.iter().zip(versions).map(|(name, version)| format!("{name}:{version}")).collect();
    let apps: Vec<_> = NAMES.iter().zip(versions).map(|(name, version)| app(which, name, version)).collect();
    let tags: Vec<[&str; 1]> = names.iter().map(|name| [name.as_str()]).collect();
    let images: Vec<_> = apps.iter().zip(&tags).map(|(app, tags)| (app, &tags[..])).collect();
    archive(ArchiveForm::Docker25, &images)
}
