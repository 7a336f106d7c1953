//! RPM's versions.

use std::cmp::Ordering;

/// Compares two versions: <https://rpm-software-management.github.io/rpm/manual/dependencies.html#versioning>. A release
/// counts only where both have one.
pub(super) fn compare(one: &str, other: &str) -> Ordering {
    let (one, other) = (parts(one), parts(other));
    let number = |text: &str| text.trim_start_matches('0').to_owned();
    let (one_epoch, other_epoch) = (number(one.0), number(other.0));
    let epochs = one_epoch.len().cmp(&other_epoch.len()).then_with(|| one_epoch.cmp(&other_epoch));
    epochs.then_with(|| segments(one.1, other.1)).then_with(|| match (one.2, other.2) {
        (Some(one), Some(other)) => segments(one, other),
        _ => Ordering::Equal,
    })
}

/// Returns epoch, version and release.
fn parts(version: &str) -> (&str, &str, Option<&str>) {
    let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
    match rest.rsplit_once('-') {
        Some((version, release)) => (epoch, version, Some(release)),
        None => (epoch, rest, None),
    }
}

/// Compares stretches of digits and of letters in turn; what is neither only parts them, but for `~`, which is before all,
/// and `^`, which is after the end and before all else:
/// <https://github.com/rpm-software-management/rpm/blob/rpm-4.18.x/rpmio/rpmvercmp.c>.
fn segments(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one.as_bytes(), other.as_bytes());
    loop {
        (one, other) = (skip(one), skip(other));
        match (one.first(), other.first()) {
            (Some(b'~'), Some(b'~')) | (Some(b'^'), Some(b'^')) => (one, other) = (&one[1..], &other[1..]),
            (Some(b'~'), _) => return Ordering::Less,
            (_, Some(b'~')) => return Ordering::Greater,
            (Some(b'^'), None) => return Ordering::Greater,
            (None, Some(b'^')) => return Ordering::Less,
            (Some(b'^'), _) => return Ordering::Less,
            (_, Some(b'^')) => return Ordering::Greater,
            (None, None) => return Ordering::Equal,
            (Some(_), None) => return Ordering::Greater,
            (None, Some(_)) => return Ordering::Less,
            (Some(first), Some(_)) => {
                let is_number = first.is_ascii_digit();
                let (one_part, other_part);
                (one_part, one) = split(one, is_number);
                (other_part, other) = split(other, is_number);
                if other_part.is_empty() {
                    // Numbers are newer than letters.
                    return if is_number { Ordering::Greater } else { Ordering::Less };
                }
                let ordering = if is_number { numbers(one_part, other_part) } else { one_part.cmp(other_part) };
                if ordering != Ordering::Equal {
                    return ordering;
                }
            }
        }
    }
}

fn skip(text: &[u8]) -> &[u8] {
    let parts = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'~' | b'^');
    &text[text.iter().position(parts).unwrap_or(text.len())..]
}

/// Takes digits, or letters, from the beginning.
fn split(text: &[u8], is_number: bool) -> (&[u8], &[u8]) {
    let holds = |byte: &u8| if is_number { byte.is_ascii_digit() } else { byte.is_ascii_alphabetic() };
    text.split_at(text.iter().position(|byte| !holds(byte)).unwrap_or(text.len()))
}

/// Compares numbers of any length.
fn numbers(one: &[u8], other: &[u8]) -> Ordering {
    let trim = |text: &'_ [u8]| text.iter().position(|byte| *byte != b'0').map_or(0, |zeros| text.len() - zeros);
    let (one, other) = (&one[one.len() - trim(one)..], &other[other.len() - trim(other)..]);
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering::{Equal, Greater, Less};
    use std::process::Command;

    use proptest::prelude::{ProptestConfig, prop_assert_eq, proptest};

    use super::{compare, segments};

    #[test]
    fn versions_are_compared_as_rpm_does() {
        for (one, other, expected) in [
            ("1.0", "1.0", Equal),
            ("1.0-1", "1.0-2", Less),
            ("1.0", "1.0-2", Equal),
            ("26.1.5-1", "27.0.1-1", Less),
            ("9", "10", Less),
            ("1:1", "2", Greater),
            ("0:2", "2", Equal),
            ("1.0~rc1-1", "1.0-1", Less),
            ("1.0^git1-1", "1.0-1", Greater),
            ("1.0^git1", "1.0.1", Less),
            ("1.0a", "1.0", Greater),
            ("1.a", "1.1", Less),
            ("1.0.0", "1.0", Greater),
            ("1_0", "1.0", Equal),
            ("01", "1", Equal),
        ] {
            assert_eq!(compare(one, other), expected, "{one} {other}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn rpm_agrees(one in "[0-9][0-9a.~+^]{0,5}", other in "[0-9][0-9a.~+^]{0,5}") {
            let macros = format!("%{{lua: print(rpm.vercmp('{one}', '{other}'))}}");
            if let Ok(output) = Command::new("rpm").args(["--eval", &macros]).output()
                && let Ok(number) = String::from_utf8_lossy(&output.stdout).trim().parse::<i32>()
            {
                prop_assert_eq!(segments(&one, &other), number.cmp(&0));
            }
        }
    }
}
