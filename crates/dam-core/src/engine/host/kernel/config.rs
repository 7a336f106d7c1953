//! What a kernel was built with.

use std::collections::HashMap;

use crate::engine::host::Look;

/// How an option is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setting {
    /// It is part of the kernel.
    BuiltIn,
    /// It is a module.
    Module,
}

/// The options of a kernel that are on.
pub(super) struct KernelConfig {
    text: String,
}

impl KernelConfig {
    /// Finds the options of the kernel `release`: it may tell them itself, else its package has put them somewhere.
    pub(super) fn find(look: &Look, release: &str) -> Option<Self> {
        // A release becomes part of a path.
        let named = !release.is_empty() && !release.contains('/');
        let files = ["/boot/config-RELEASE", "/lib/modules/RELEASE/config", "/lib/modules/RELEASE/build/.config"];
        let of_package =
            || files.iter().filter(|_| named).find_map(|file| look.text(&file.replace("RELEASE", release)));
        let text = look.unpacked("/proc/config.gz").or_else(of_package)?;
        // A file that says nothing must not become a kernel without anything.
        text.contains("CONFIG_").then_some(Self { text })
    }

    /// Reads how the options are set.
    pub(super) fn settings(&self) -> HashMap<&str, Setting> {
        self.text.lines().filter_map(|line| line.strip_prefix("CONFIG_")?.split_once('=')).filter_map(setting).collect()
    }
}

fn setting<'a>((option, value): (&'a str, &str)) -> Option<(&'a str, Setting)> {
    match value.trim_end() {
        "y" => Some((option, Setting::BuiltIn)),
        "m" => Some((option, Setting::Module)),
        _ => None,
    }
}
