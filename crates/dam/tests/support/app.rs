//! The folder an app is made of.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// An app under construction. Its hooks keep a note of what runs: the file `$STATE/NAME` holds the version.
pub(crate) struct App {
    files: Vec<(String, u32, Vec<u8>)>,
}

impl App {
    /// An app that needs nothing but a shell.
    pub(crate) fn new() -> Self {
        Self { files: Vec::new() }
            .file("Dockerfile", "FROM scratch\nCOPY meta /meta\n")
            .hook("install", "printf %s \"$DAM_APP_VERSION\" >\"$STATE/$DAM_APP_NAME\"")
            .hook("uninstall", "rm \"$STATE/$DAM_APP_NAME\"")
    }

    /// Makes a script of shell lines one of its hooks.
    pub(crate) fn hook(self, hook: &str, lines: &str) -> Self {
        self.script(hook, 0o755, format!("#!/bin/sh\n{lines}\n"))
    }

    /// Makes these very bytes one of its hooks.
    pub(crate) fn script(self, hook: &str, mode: u32, bytes: impl AsRef<[u8]>) -> Self {
        self.put(&format!("meta/{hook}"), mode, bytes)
    }

    /// Adds a file, or replaces one.
    pub(crate) fn file(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        self.put(path, 0o644, text)
    }

    /// Leaves out a file, or all of a folder.
    pub(crate) fn without(mut self, path: &str) -> Self {
        self.files.retain(|(known, ..)| known != path && !known.starts_with(&format!("{path}/")));
        self
    }

    fn put(mut self, path: &str, mode: u32, bytes: impl AsRef<[u8]>) -> Self {
        self.files.retain(|(known, ..)| known != path);
        self.files.push((path.to_owned(), mode, bytes.as_ref().to_vec()));
        self
    }

    /// Writes it into a folder that is not there yet.
    pub(crate) fn write(&self, folder: &Path) {
        fs::create_dir(folder).expect("a folder");
        for (path, mode, bytes) in &self.files {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().expect("it is in the folder")).expect("a folder");
            fs::write(&path, bytes).expect("a file");
            fs::set_permissions(&path, Permissions::from_mode(*mode)).expect("its mode");
        }
    }
}
