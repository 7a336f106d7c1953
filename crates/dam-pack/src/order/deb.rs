//! Debian's versions.

use std::cmp::Ordering;

/// Compares two versions: <https://www.debian.org/doc/debian-policy/ch-controlfields.html#version>.
pub(crate) fn compare(one: &str, other: &str) -> Ordering {
    let (one, other) = (parts(one), parts(other));
    let epochs = numeric(one.0, other.0);
    epochs.then_with(|| text(one.1, other.1)).then_with(|| text(one.2, other.2))
}

/// Returns epoch, upstream's version and Debian's revision.
fn parts(version: &str) -> (&str, &str, &str) {
    let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, "0"));
    (epoch, upstream, revision)
}

/// Compares in turn what is no digit and what is.
fn text<'text>(mut one: &'text str, mut other: &'text str) -> Ordering {
    while !one.is_empty() || !other.is_empty() {
        let (words, numbers);
        (words, one, other) = split(one, other, |letter| !letter.is_ascii_digit());
        (numbers, one, other) = split(one, other, |letter| letter.is_ascii_digit());
        let ordering = letters(words.0, words.1).then_with(|| numeric(numbers.0, numbers.1));
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
    Ordering::Equal
}

type Pair<'text> = (&'text str, &'text str);

/// Parts the beginnings of both that hold from their rests.
fn split<'text>(one: &'text str, other: &'text str, holds: fn(char) -> bool) -> (Pair<'text>, &'text str, &'text str) {
    let at = |text: &str| text.find(|letter| !holds(letter)).unwrap_or(text.len());
    let ((one, one_rest), (other, other_rest)) = (one.split_at(at(one)), other.split_at(at(other)));
    ((one, other), one_rest, other_rest)
}

/// A tilde is before the end, the end before letters, and letters before all else.
fn letters(one: &str, other: &str) -> Ordering {
    let weight = |letter: Option<&u8>| match letter {
        Some(b'~') => -1,
        None => 0,
        Some(letter) if letter.is_ascii_alphabetic() => i32::from(*letter),
        Some(other) => i32::from(*other) + 256,
    };
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut each = (0..one.len().max(other.len())).map(|at| weight(one.get(at)).cmp(&weight(other.get(at))));
    each.find(|ordering| *ordering != Ordering::Equal).unwrap_or(Ordering::Equal)
}

/// Numbers of any length.
fn numeric(one: &str, other: &str) -> Ordering {
    let (one, other) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering::{Equal, Greater, Less};
    use std::process::Command;

    use proptest::prelude::{ProptestConfig, prop_assert_eq, proptest};

    use super::compare;

    #[test]
    fn versions_are_compared_as_dpkg_does() {
        for (one, other, expected) in [
            ("1.29", "1.54~", Less),
            ("1.54", "1.54~", Greater),
            ("1.54~", "1.54", Less),
            ("1.65.2", "1.54~", Greater),
            ("1.9", "1.10", Less),
            ("1:1", "2", Greater),
            ("1.0-1", "1.0", Greater),
            ("1.0", "1.0-0", Equal),
            ("1.0a", "1.0+", Less),
            ("1.56+nmu1", "1.56", Greater),
            ("01", "1", Equal),
        ] {
            assert_eq!(compare(one, other), expected, "{one} {other}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn dpkg_agrees(one in "[0-9][0-9a.~+]{0,5}", other in "[0-9][0-9a.~+]{0,5}") {
            let is = |sign: &str| {
                let status = Command::new("dpkg").args(["--compare-versions", &one, sign, &other]).status();
                status.ok().map(|status| status.success())
            };
            if let (Some(less), Some(equal)) = (is("lt"), is("eq")) {
                let expected = if less { Less } else if equal { Equal } else { Greater };
                prop_assert_eq!(compare(&one, &other), expected);
            }
        }
    }
}
