//! Names that every stick can hold: those of FAT, and of exFAT, which forbids the same.

use crate::repo::NameFault;

/// Most UTF-16 units of a name.
const LONGEST: usize = 255;

/// Checks one part of a path.
pub(super) fn check(name: &str) -> Result<(), NameFault> {
    if let Some(character) = name.chars().find(|character| is_unknown(*character)) {
        return Err(NameFault::Character(character));
    }
    if name.ends_with(['.', ' ']) {
        return Err(NameFault::End);
    }
    if is_device(name) {
        return Err(NameFault::Device);
    }
    if name.encode_utf16().count() > LONGEST { Err(NameFault::Long) } else { Ok(()) }
}

/// Returns the name as a stick can hold it, as near as can be; a name that is too long stays so.
pub fn storable(name: &str) -> String {
    let name: String = name.chars().map(|character| if is_unknown(character) { '_' } else { character }).collect();
    let name = name.trim_end_matches(['.', ' ']);
    if is_device(name) || name.is_empty() { format!("_{name}") } else { name.to_owned() }
}

fn is_unknown(character: char) -> bool {
    character.is_control() || "\"*/:<>?\\|".contains(character)
}

/// A device keeps its name with any ending.
fn is_device(name: &str) -> bool {
    let name = name.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let numbered = |stem: &str| name.strip_prefix(stem).is_some_and(|rest| matches!(rest.as_bytes(), [b'1'..=b'9']));
    matches!(name.as_str(), "CON" | "PRN" | "AUX" | "NUL") || numbered("COM") || numbered("LPT")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::{check, storable};
    use crate::repo::NameFault;

    #[test]
    fn names_of_packages_are_good_but_for_epochs() {
        for good in ["dam-docker_26.1.5~rc1-1_amd64.deb", "g++.rpm", "docker_5%3a26-1.deb", "größe.deb", "com10.deb"]
        {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, fault, other) in [
            ("docker_5:26-1.deb", NameFault::Character(':'), "docker_5_26-1.deb"),
            ("a\nb.rpm", NameFault::Character('\n'), "a_b.rpm"),
            ("folder. ", NameFault::End, "folder"),
            ("Aux.1.deb", NameFault::Device, "_Aux.1.deb"),
            ("lpt9", NameFault::Device, "_lpt9"),
            ("...", NameFault::End, "_"),
        ] {
            assert_eq!(check(bad), Err(fault), "{bad:?}");
            assert_eq!(storable(bad), other);
        }
        assert_eq!(check(&"ä".repeat(256)), Err(NameFault::Long));
        assert_eq!(check(&"ä".repeat(255)), Ok(()));
    }

    proptest! {
        #[test]
        fn what_is_storable_is_good(name in ".{1,60}") {
            prop_assert_eq!(check(&storable(&name)), Ok(()));
        }
    }
}
