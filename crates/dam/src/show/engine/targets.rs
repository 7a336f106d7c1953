//! Targets in words.

use dam_pack::targets::Target;

/// Names targets by their families, versions that follow each other as a range: `CentOS 7 and 8, Fedora 32 to 37`.
pub(super) fn named(targets: &[Target]) -> String {
    let mut families: Vec<(&str, Vec<Target>)> = Vec::new();
    for target in targets {
        let family = parts(*target).0;
        match families.iter_mut().find(|(known, _)| *known == family) {
            Some((_, targets)) => targets.push(*target),
            None => families.push((family, vec![*target])),
        }
    }
    let words = families.iter().map(|(family, targets)| format!("{family} {}", versions(family, targets)));
    words.collect::<Vec<_>>().join(", ")
}

/// Parts the family from the version, which is the last word: `Fedora`, `45`.
fn parts(target: Target) -> (&'static str, &'static str) {
    let title = target.profile().title;
    title.rsplit_once(' ').unwrap_or((title, ""))
}

/// Lists versions of one family, oldest first; three or more that follow each other are a range.
fn versions(family: &str, targets: &[Target]) -> String {
    let all: Vec<Target> = Target::all().filter(|target| parts(*target).0 == family).collect();
    let mut runs: Vec<Vec<usize>> = Vec::new();
    for at in all.iter().enumerate().filter(|(_, target)| targets.contains(target)).map(|(at, _)| at) {
        match runs.last_mut() {
            Some(run) if run.last() == Some(&(at - 1)) => run.push(at),
            _ => runs.push(vec![at]),
        }
    }
    let version = |at: &usize| parts(all[*at]).1.to_owned();
    let words = runs.iter().flat_map(|run| match run.as_slice() {
        [first, _, .., last] => vec![format!("{} to {}", version(first), version(last))],
        few => few.iter().map(version).collect(),
    });
    let words: Vec<String> = words.collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(" and ")),
    }
}

#[cfg(test)]
mod tests {
    use dam_pack::targets::Target;

    use super::named;

    fn shown(names: &str) -> String {
        named(&names.split(' ').map(|name| name.parse().expect("a target")).collect::<Vec<Target>>())
    }

    #[test]
    fn versions_that_follow_each_other_are_a_range() {
        assert_eq!(shown("debian-12"), "Debian 12");
        assert_eq!(shown("centos-7 centos-8 rhel-7"), "CentOS 7 and 8, Red Hat Enterprise Linux 7");
        assert_eq!(
            shown("fedora-32 fedora-33 fedora-34 fedora-40 fedora-44 fedora-45"),
            "Fedora 32 to 34 and 40 and 44 and 45"
        );
        assert_eq!(shown("ubuntu-16.04 ubuntu-18.04 ubuntu-20.04 debian-sid"), "Ubuntu 16.04 to 20.04, Debian sid");
        assert_eq!(shown("amazon-2 sles-15"), "Amazon Linux 2, SUSE Linux Enterprise Server 15");
    }
}
