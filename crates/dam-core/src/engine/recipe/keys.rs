//! The keys of a recipe.

/// The keys of each section; those before the first section are under the empty name, and `files` is a list of sections.
pub const KEYS: &[(&str, &[&str])] = &[
    ("", &["name", "version", "epoch", "release", "maintainer", "architecture", "include_dam", "dynamic"]),
    ("archive", &["path", "url", "sha256"]),
    ("compose", &["path", "url", "sha256", "command"]),
    ("buildx", &["path", "url", "sha256"]),
    ("daemon", &["json", "file", "live_restore", "log_rotation", "ulimits"]),
    ("service", &["enable", "start", "restart"]),
    ("deb", &["depends", "recommends", "suggests", "conflicts", "provides", "replaces"]),
    ("rpm", &["depends", "recommends", "suggests", "conflicts", "provides", "replaces"]),
    ("files", &["path", "source", "mode", "role"]),
];

/// How alike a key must be to be named: 1 is the same, and 0.7 what clap names for flags.
const ALIKE: f64 = 0.7;

/// Returns the keys of a section.
pub(super) fn of(section: &str) -> &'static [&'static str] {
    KEYS.iter().find(|(name, _)| *name == section).map_or(&[], |(_, keys)| keys)
}

/// Tells whether there is a section of that name.
pub(super) fn is_section(name: &str) -> bool {
    KEYS.iter().any(|(section, _)| *section == name && !name.is_empty())
}

/// Returns the known key that is most like one that is not known, with its section. One of the same section is nearer.
pub(super) fn nearest(section: &str, key: &str) -> Option<String> {
    let key = key.to_lowercase().replace('-', "_");
    let alike = |other: &str| strsim::jaro_winkler(&key, other);
    let mut found: Vec<(f64, String)> = Vec::new();
    for (name, keys) in KEYS {
        let bonus = if *name == section { 0.15 } else { 0.0 };
        found.extend(keys.iter().map(|key| (alike(key), bonus, full(name, key))).filter_map(enough));
        if section.is_empty() && !name.is_empty() {
            found.extend(enough((alike(name), 0.15, (*name).to_owned())));
        }
    }
    // The first of equals, which stands first in a recipe.
    let best = found.into_iter().reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map(|(_, name)| name)
}

fn enough((alike, bonus, name): (f64, f64, String)) -> Option<(f64, String)> {
    (alike >= ALIKE).then_some((alike + bonus, name))
}

/// Returns a key with its section, as messages name it.
pub(super) fn full(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_key_is_one_of_the_same_section_if_any_is_like_it() {
        let near = |section, key| nearest(section, key).unwrap_or_default();
        assert_eq!(near("archive", "sha265"), "archive.sha256");
        assert_eq!(near("", "include-dam"), "include_dam");
        assert_eq!(near("", "archives"), "archive");
        assert_eq!(near("", "live-restore"), "daemon.live_restore");
        assert_eq!(near("rpm", "conflict"), "rpm.conflicts");
        assert_eq!(near("service", "url"), "archive.url");
        assert_eq!(near("", "qqq"), "");
    }
}
