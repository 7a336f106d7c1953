//! Bundles, made without dam: what an import is given.

use std::collections::BTreeMap;
use std::io::Write;

use dam_core::app::describe;
use dam_core::bundle::{BundleApp, write};
use dam_core::event::Silent;
use dam_core::meta::Keep;
use dam_oci::testing::{ImageBuilder, MemoryImage};
use dam_oci::{Limits, Reference, config, subtree};

/// What starts an app: it notes the version in `$STATE/NAME`, and fails where another one runs.
const INSTALL: &str = "test ! -e \"$STATE/$DAM_APP_NAME\" && printf %s \"$DAM_APP_VERSION\" >\"$STATE/$DAM_APP_NAME\"";
const UNINSTALL: &str = "rm \"$STATE/$DAM_APP_NAME\"";
const HEALTH: &str = "test \"$(cat \"$STATE/$DAM_APP_NAME\")\" = \"$DAM_APP_VERSION\"";

/// An app of a product, on the base that all of them share.
pub(crate) struct ProductApp {
    name: String,
    hooks: BTreeMap<String, String>,
    files: Vec<(String, Vec<u8>)>,
    labels: Vec<(String, String)>,
    base: Vec<u8>,
}

impl ProductApp {
    /// An app by its name and version, such as `shop:1`. Its hooks keep the note `$STATE/NAME` of what runs.
    pub(crate) fn new(name: &str) -> Self {
        let hooks = [("install", INSTALL), ("uninstall", UNINSTALL), ("health", HEALTH)];
        let hooks = hooks.map(|(hook, lines)| (hook.to_owned(), lines.to_owned())).into();
        let own = ("own".to_owned(), name.as_bytes().to_vec());
        Self { name: name.to_owned(), hooks, files: vec![own], labels: Vec::new(), base: vec![b'b'; 5000] }
    }

    /// Makes shell lines one of its hooks, in the place of what it was.
    pub(crate) fn hook(mut self, hook: &str, lines: &str) -> Self {
        self.hooks.insert(hook.to_owned(), lines.to_owned());
        self
    }

    /// Does something more at the beginning of a hook.
    pub(crate) fn before(mut self, hook: &str, line: &str) -> Self {
        let lines = self.hooks.entry(hook.to_owned()).or_default();
        *lines = format!("{line}\n{lines}");
        self
    }

    /// Adds a file to its own layer.
    pub(crate) fn file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.push((path.to_owned(), content.into()));
        self
    }

    /// Adds a file of so many bytes that no compression shrinks.
    pub(crate) fn noise(self, bytes: usize) -> Self {
        let noise = noise(&self.name, bytes);
        self.file("noise", noise)
    }

    /// Puts this into the base, which is shared by all apps that have the same there.
    pub(crate) fn base(mut self, content: Vec<u8>) -> Self {
        self.base = content;
        self
    }

    /// Sets a label.
    pub(crate) fn label(mut self, key: &str, value: &str) -> Self {
        self.labels.push((key.to_owned(), value.to_owned()));
        self
    }

    fn image(&self) -> MemoryImage {
        let mut image = ImageBuilder::new().file("base", 0o644, &self.base).layer();
        for (hook, lines) in &self.hooks {
            image = image.file(&format!("meta/{hook}"), 0o755, format!("#!/bin/sh\n{lines}\n"));
        }
        for (path, content) in &self.files {
            image = image.file(path, 0o644, content);
        }
        self.labels.iter().fold(image, |image, (key, value)| image.label(key, value)).build()
    }
}

/// Writes a bundle of these apps.
pub(crate) fn product(apps: &[ProductApp]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let keep = Keep::open(folder.path()).expect("a folder");
    let bundled = |app: &ProductApp| {
        let (image, reference) = (app.image(), app.name.parse::<Reference>().expect("a test's name is good"));
        let fill = |out: &mut dyn Write| Ok(subtree(&image, "meta", Limits::default(), folder.path(), out)?);
        let meta = keep.keep(&mut { fill }).expect("a good meta").expect("a meta");
        let labels = config(&image).expect("a config").1.config.labels;
        let app = describe(&reference, &labels, &meta).expect("an app");
        BundleApp { app, meta: meta.digest, image: Box::new(image) }
    };
    let apps: Vec<BundleApp> = apps.iter().map(bundled).collect();
    let mut bytes = Vec::new();
    write(&apps, &mut bytes, &Silent).expect("sound images");
    bytes
}

/// What most machines here have: `shop:1`, `till:1` and `old:1`.
pub(crate) fn now() -> Vec<u8> {
    product(&["shop:1", "till:1", "old:1"].map(ProductApp::new))
}

/// What they become: `shop` is upgraded, `till` stays, `extra` is new, `old` goes. Each new image carries so much noise.
pub(crate) fn next(noise: usize) -> Vec<u8> {
    let upgraded = ProductApp::new("shop:2").label("DAM_APP_SERVERS", "plant:5000,").file("meta/config", "port 80\n");
    let new = ProductApp::new("extra:1").hook("check", "true");
    product(&[upgraded.noise(noise), ProductApp::new("till:1"), new.noise(noise)])
}

/// Returns bytes that no compression shrinks; other ones for another seed.
pub(crate) fn noise(seed: &str, bytes: usize) -> Vec<u8> {
    let seeded = seed.bytes().fold(1_u64, |state, byte| state.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let mut state = seeded;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        // Of these numbers only the upper half is any good.
        (state >> 32) as u32
    });
    noise.flat_map(u32::to_be_bytes).take(bytes).collect()
}
