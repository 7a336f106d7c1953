//! Which of two versions is newer.
//!
//! Tags follow no standard, so the order is made for what people write: `v1.10` is newer than `1.9`, `1.0-rc2` is older
//! than `1.0`, `1.0-alpine` and `1.0-2` lie between `1.0` and `1.0.1`, and words such as `latest` are older than every
//! number. It is a total order: two versions are equal only if their texts are. The crates for the purpose were tried
//! and each panics on, refuses or misplaces ordinary tags.

mod newest;

use std::cmp::Ordering;

use crate::app::Version;

pub use newest::{Newest, is_attachment};

/// Compares two versions; the greater one is the newer.
pub fn compare(a: &Version, b: &Version) -> Ordering {
    Key::of(a.as_str()).cmp(&Key::of(b.as_str()))
}

/// Sorts versions, the newest first.
pub fn newest_first(versions: &mut Vec<Version>) {
    // What a version is compared by is made once for each, not for each comparison: a repository may have a million.
    let mut keys: Vec<_> =
        versions.iter().enumerate().map(|(place, version)| (Key::of(version.as_str()), place)).collect();
    keys.sort_unstable_by(|a, b| b.cmp(a));
    let places: Vec<usize> = keys.into_iter().map(|(_, place)| place).collect();
    let mut taken: Vec<_> = std::mem::take(versions).into_iter().map(Some).collect();
    versions.extend(places.into_iter().filter_map(|place| taken[place].take()));
}

/// What a version is compared by, field by field. The text comes last, so that only equal texts are equal.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    numbered: bool,
    parts: Vec<Part<'a>>,
    text: &'a str,
}

/// A part of a version. The order of the variants is the order of what may follow a common beginning.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    /// A word that says the release is yet to come, by its place in [`PRE_RELEASES`].
    PreRelease(usize),
    /// The version ends here.
    End,
    /// Any other word, in lower case: a flavour such as `alpine`, or a patch letter.
    Word(String),
    /// A number behind `-` or `_`: a packager's revision.
    Revision(Number<'a>),
    /// A number.
    Number(Number<'a>),
    /// A further word of a pre-release, behind a dot, as in semver's `alpha.beta`, which is newer than `alpha.1` and older than
    /// `beta`. Source: <https://semver.org/#spec-item-11>.
    Identifier(String),
}

/// A number of any length, without leading zeros: the longer one is the greater.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Number<'a> {
    length: usize,
    digits: &'a str,
}

/// Words for what comes before a release, oldest first.
const PRE_RELEASES: [&[&str]; 6] =
    [&["dev", "nightly", "snapshot"], &["alpha"], &["beta"], &["milestone"], &["pre", "preview"], &["rc", "cr"]];

impl<'a> Key<'a> {
    fn of(text: &'a str) -> Self {
        let starts_with_digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
        let rest = text.strip_prefix(['v', 'V']).filter(|rest| starts_with_digit(rest)).unwrap_or(text);
        Self { numbered: starts_with_digit(rest), parts: parts(rest), text }
    }
}

/// Splits a version into runs of digits and of letters; everything else separates.
fn parts(mut rest: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut separator = None;
    while let Some(first) = rest.chars().next() {
        let kind = kind_of(first);
        let end = rest.find(|c| kind_of(c) != kind).unwrap_or(rest.len());
        let (run, tail) = rest.split_at(end);
        rest = tail;
        match kind {
            Kind::Separator => separator = run.chars().next_back(),
            Kind::Letter => {
                let early = parts.iter().any(|part| matches!(part, Part::PreRelease(_)));
                let further = early && separator.take() == Some('.');
                parts.push(match word(run) {
                    // `rc.1.dev` is still before `rc.1`, whatever semver says: nobody means anything else.
                    Part::PreRelease(place) if further && place > 0 => Part::Identifier(run.to_ascii_lowercase()),
                    Part::Word(word) if further => Part::Identifier(word),
                    word => word,
                });
                separator = None;
            }
            Kind::Digit => {
                // `rc1`, `rc.1` and `rc-1` count alike.
                let counts = matches!(parts.last(), Some(Part::PreRelease(_)));
                let revision = matches!(separator.take(), Some('-' | '_')) && !counts;
                let digits = run.trim_start_matches('0');
                let number = Number { length: digits.len(), digits };
                parts.push(if revision { Part::Revision(number) } else { Part::Number(number) });
            }
        }
    }
    parts.push(Part::End);
    parts
}

fn word(run: &str) -> Part<'_> {
    let word = run.to_ascii_lowercase();
    match PRE_RELEASES.iter().position(|words| words.contains(&word.as_str())) {
        Some(place) => Part::PreRelease(place),
        None => Part::Word(word),
    }
}

#[derive(PartialEq, Eq)]
enum Kind {
    Digit,
    Letter,
    Separator,
}

fn kind_of(c: char) -> Kind {
    match c {
        '0'..='9' => Kind::Digit,
        '.' | '-' | '_' => Kind::Separator,
        _ => Kind::Letter,
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use proptest::prelude::{prop, proptest};

    use super::compare;
    use crate::app::Version;

    fn version(text: &str) -> Version {
        text.parse().expect(text)
    }

    #[test]
    fn oldest_to_newest() {
        let sorted = [
            "SNAPSHOT",
            "edge",
            "latest",
            "release-2",
            "release-10",
            "stable",
            "0.9",
            "1.0-SNAPSHOT",
            "1.0-alpha",
            "1.0-alpha.1",
            "1.0-alpha2",
            "1.0-alpha.beta",
            "1.0-beta.1",
            "v1.0-rc1",
            "1.0-rc.2",
            "1.0-rc-10",
            "1.0",
            "1.0a",
            "1.0-alpine",
            "1.0-alpine3.9",
            "1.0-alpine3.20",
            "1.0-1",
            "1.0-2",
            "1.0.0",
            "1.0.1",
            "v1.2.3_4",
            "1.9",
            "1.10",
            "2",
            "20260101",
            "99999999999999999999999999999998",
            "99999999999999999999999999999999",
            "100000000000000000000000000000000",
        ];
        let mut shuffled: Vec<_> = sorted.iter().rev().map(|text| version(text)).collect();
        shuffled.sort_by(compare);
        assert_eq!(shuffled.iter().map(Version::as_str).collect::<Vec<_>>(), sorted);
    }

    #[test]
    fn different_texts_are_never_equal() {
        assert_eq!(compare(&version("1.0"), &version("v1.0")), Ordering::Less);
        assert_eq!(compare(&version("1.0"), &version("1.00")), Ordering::Less);
        assert_eq!(compare(&version("1.0"), &version("1.0")), Ordering::Equal);
    }

    /// Versions made of what the rules know, so that near-equal ones are common.
    const SIMILAR: &str =
        "(v|V|_)?(0|1|01|9|10|rc|RC|alpha|dev|a|x)([.]|-|_|[.]-)?(0|1|00|2|rc|beta|a|alpine)?((-|[.])(1|rc|b))?";

    proptest! {
        #[test]
        fn the_order_is_total(texts in prop::collection::vec(prop::string::string_regex(SIMILAR).expect("a pattern"), 3)) {
            let [a, b, c] = [&texts[0], &texts[1], &texts[2]].map(|text| version(text));
            check(&a, &b, &c);
        }

        #[test]
        fn the_order_is_total_for_any_tag(a in "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", b in "[A-Za-z0-9_][0-9.-]{0,9}", c in "[0-9v][0-9a-c.-]{0,5}") {
            check(&version(&a), &version(&b), &version(&c));
        }
    }

    fn check(a: &Version, b: &Version, c: &Version) {
        for (x, y) in [(a, b), (b, c), (a, c), (a, a)] {
            assert_eq!(compare(x, y), compare(y, x).reverse());
            assert_eq!(compare(x, y) == Ordering::Equal, x == y);
        }
        let mut sorted = [a, b, c];
        sorted.sort_by(|x, y| compare(x, y));
        assert!(compare(sorted[0], sorted[1]).is_le());
        assert!(compare(sorted[1], sorted[2]).is_le());
        assert!(compare(sorted[0], sorted[2]).is_le());
    }
}
