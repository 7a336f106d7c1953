//! Names of targets.

use std::str::FromStr;

use super::{Target, table::PROFILES};

impl FromStr for Target {
    type Err = UnknownTargetError;

    /// Takes a name or an alias, in any case: `debian-12`, `bookworm`.
    fn from_str(text: &str) -> Result<Self, UnknownTargetError> {
        let asked = text.to_ascii_lowercase();
        let found = names().find(|(name, _)| *name == asked);
        found.map(|(_, index)| Self(index)).ok_or_else(|| UnknownTargetError {
            name: text.to_owned(),
            nearest: nearest(&asked).map(|index| PROFILES[index].name),
        })
    }
}

/// A name that no target has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no target{}", .nearest.map(|nearest| format!("; `{nearest}` is one")).unwrap_or_default())]
pub struct UnknownTargetError {
    /// The name.
    pub name: String,
    /// The target that is written most alike, if one is at all.
    pub nearest: Option<&'static str>,
}

/// Returns all names and aliases, each with the index of its target.
fn names() -> impl Iterator<Item = (&'static str, usize)> {
    let own = PROFILES.iter().enumerate().map(|(index, profile)| (profile.name, index));
    let aliases = PROFILES.iter().enumerate();
    own.chain(aliases.flat_map(|(index, profile)| profile.aliases.iter().map(move |alias| (*alias, index))))
}

/// Finds the name that takes the fewest edits, at most half of its length.
fn nearest(asked: &str) -> Option<usize> {
    // A long text is a mistake of another kind, and its distance would take long.
    let short = Some(asked).filter(|asked| asked.len() <= 40)?;
    let (distance, name, index) =
        names().map(|(name, index)| (distance(short, name), name, index)).min_by_key(|(distance, ..)| *distance)?;
    (distance <= name.len() / 2).then_some(index)
}

/// Counts the letters that are put in, taken out or changed: <https://en.wikipedia.org/wiki/Levenshtein_distance>.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut corner = row[0];
        row[0] = at + 1;
        for (index, different) in other.chars().map(|own| usize::from(own != letter)).enumerate() {
            let next = (corner + different).min(row[index] + 1).min(row[index + 1] + 1);
            corner = std::mem::replace(&mut row[index + 1], next);
        }
    }
    row[row.len() - 1]
}

#[cfg(test)]
mod tests {
    use super::{Target, distance};

    #[test]
    fn every_target_is_found_by_its_names() {
        for target in Target::all() {
            assert_eq!(target.name().parse::<Target>(), Ok(target));
        }
        assert_eq!("Bookworm".parse::<Target>().expect("known").to_string(), "debian-12");
    }

    #[test]
    fn an_unknown_target_names_the_nearest() {
        let fault = |text: &str| text.parse::<Target>().expect_err("unknown").to_string();
        assert_eq!(fault("debian12"), "`debian12` is no target; `debian-12` is one");
        assert_eq!(fault("ubunto-22.04"), "`ubunto-22.04` is no target; `ubuntu-22.04` is one");
        assert_eq!(fault("centos7"), "`centos7` is no target; `centos-7` is one");
        assert_eq!(fault("plan9-from-bell-labs"), "`plan9-from-bell-labs` is no target");
        assert_eq!(fault(""), "`` is no target");
        assert_eq!(distance("abc", "abd"), 1);
        assert_eq!(distance("", "abc"), 3);
    }
}
