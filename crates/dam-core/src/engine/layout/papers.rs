//! What is to be read: description, changelog.

use dam_pack::{Change, Entry, Format, Package, Role, deb};

use super::{only, text_file};
use crate::engine::Parts;

/// Says what the package is, in paragraphs.
pub(super) fn description(parts: &Parts, engine: &str) -> String {
    let plugins = [("Compose", parts.compose.is_some()), ("Buildx", parts.buildx.is_some())];
    let plugins: Vec<_> = plugins.iter().filter(|(_, is_in)| *is_in).map(|(name, _)| *name).collect();
    let with = match plugins[..] {
        [] => String::new(),
        _ => format!(", with {} for docker", plugins.join(" and ")),
    };
    format!(
        "Docker Engine {engine} as upstream builds it: static programs that need no library of the system{with}.\n\n\
         The same package installs on every distribution of its format, without internet. It conflicts with other packages \
         of Docker Engine and takes over their images and containers in /var/lib/docker, which it never deletes; a \
         containerd, runc or podman beside it is left alone."
    )
}

/// Says what this version is made of.
pub(super) fn changelog(package: &Package, parts: &Parts, engine: &str) -> Vec<Change> {
    let mut lines = vec![format!("Docker Engine {engine}, from {} ({})", file_name(parts), parts.archive.digest())];
    let plugins = [("Compose", &parts.compose), ("Buildx", &parts.buildx)];
    lines.extend(plugins.iter().filter_map(|(name, plugin)| {
        let plugin = plugin.as_ref()?;
        Some(format!("The {name} plugin ({})", plugin.digest))
    }));
    vec![Change { version: package.version.clone(), date: package.source_date, lines }]
}

fn file_name(parts: &Parts) -> String {
    let name = parts.archive.path().file_name().unwrap_or_default().to_string_lossy();
    name.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

/// Returns the files that say so.
pub(super) fn entries(package: &Package) -> Vec<Entry> {
    let folder = format!("/usr/share/doc/{}", package.name);
    let changelog = deb::gzip(deb::changelog(package).as_bytes());
    vec![only(Format::Deb, text_file(&format!("{folder}/changelog.Debian.gz"), changelog, Role::Doc))]
}
