//! Directives of unit files, and the versions that brought them.

/// The table, see its own head.
const TABLE: &str = include_str!("directives.txt");

/// Sections whose own directives the table has.
const CHECKED: [&str; 6] = ["Unit", "Install", "Service", "Socket", "Timer", "Path"];

/// Sections of systemd whose directives the table has not, for no package here has such units.
const UNCHECKED: [&str; 6] = ["Mount", "Automount", "Swap", "Slice", "Scope", "Target"];

/// What is known of a directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// Nothing: it stands where the table does not reach, or names itself private with `X-`.
    Unchecked,
    /// That no version reads it there.
    Never,
    /// The version that first read it there.
    Since(u16),
}

/// Says whether systemd has a section, or leaves it to others: `X-Anything`.
pub(super) fn is_section(name: &str) -> bool {
    name.starts_with("X-") || CHECKED.contains(&name) || UNCHECKED.contains(&name)
}

/// Looks a directive up.
pub(super) fn find(section: &str, directive: &str) -> Known {
    if directive.starts_with("X-") || !CHECKED.contains(&section) {
        return Known::Unchecked;
    }
    let shared: &[&str] = if matches!(section, "Service" | "Socket") { &["exec", "kill", "resource"] } else { &[] };
    let mut here = None;
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        if !line.starts_with(' ') {
            let area = words.next().expect("a line of the table begins with an area");
            let since: u16 = words.next().and_then(|word| word.parse().ok()).expect("then comes a version");
            here = (area == section || shared.contains(&area)).then_some(since);
        }
        if let (Some(since), true) = (here, words.any(|word| word == directive)) {
            return Known::Since(since);
        }
    }
    Known::Never
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Known, TABLE, find};

    #[test]
    fn a_directive_is_known_where_it_belongs() {
        assert_eq!(find("Service", "StartLimitBurst"), Known::Since(0));
        assert_eq!(find("Unit", "StartLimitBurst"), Known::Since(229));
        assert_eq!(find("Unit", "StartLimitIntervalSec"), Known::Since(230));
        assert_eq!(find("Service", "StartLimitIntervalSec"), Known::Never);
        assert_eq!(find("Service", "TasksMax"), Known::Since(227));
        assert_eq!(find("Service", "Delegate"), Known::Since(218));
        assert_eq!(find("Socket", "SocketGroup"), Known::Since(214));
        assert_eq!(find("Install", "Type"), Known::Never);
        assert_eq!(find("Unit", "X-Ours"), Known::Unchecked);
        assert_eq!(find("Slice", "Anything"), Known::Unchecked);
    }

    /// The table is written by hand from now on: a name twice in one area would hide its second version.
    #[test]
    fn the_table_names_nothing_twice() {
        let mut seen = BTreeSet::new();
        let mut area = "";
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            assert!(line.len() <= 120, "{line}");
            let mut words = line.split_whitespace();
            if !line.starts_with(' ') {
                area = words.next().expect("an area");
                assert!(words.next().is_some_and(|word| word.parse::<u16>().is_ok()), "{line}");
            }
            for word in words {
                assert!(seen.insert((area, word)), "{area} {word}");
            }
        }
        assert!(seen.len() > 400, "{}", seen.len());
    }
}
