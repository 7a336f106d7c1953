//! The lead: 96 bytes of history that `file` looks at and rpm checks for its magic alone.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 4 | `ed ab ee db` |
//! | 4 | 2 | version: 3.0 |
//! | 6 | 2 | kind: 0 binary, 1 source |
//! | 8 | 2 | processor |
//! | 10 | 66 | name, NUL padded |
//! | 76 | 2 | system: 1 Linux |
//! | 78 | 2 | kind of signature: 5, a header |
//! | 80 | 16 | zero |
//!
//! Source: <https://rpm-software-management.github.io/rpm/manual/format_lead.html>.

use crate::Architecture;

/// Length of the lead in bytes.
pub(super) const LENGTH: usize = 96;
/// What every `.rpm` begins with.
const MAGIC: [u8; 4] = [0xed, 0xab, 0xee, 0xdb];

/// Writes the lead of a binary package.
pub(super) fn lead(label: &str, architecture: Architecture) -> [u8; LENGTH] {
    let mut lead = [0; LENGTH];
    lead[..4].copy_from_slice(&MAGIC);
    lead[4] = 3;
    lead[8..10].copy_from_slice(&number(architecture).to_be_bytes());
    // The last of the 66 bytes stays NUL.
    let label = &label.as_bytes()[..label.len().min(65)];
    lead[10..10 + label.len()].copy_from_slice(label);
    lead[77] = 1;
    lead[79] = 5;
    lead
}

/// Tells whether these bytes are the lead of a binary package with a header for a signature.
pub(super) fn is_lead(lead: &[u8; LENGTH]) -> bool {
    lead[..4] == MAGIC && (3..=4).contains(&lead[4]) && lead[6..8] == [0, 0] && lead[78..80] == [0, 5]
}

/// The `arch_canon` numbers of <https://github.com/rpm-software-management/rpm/blob/rpm-4.18.x/rpmrc.in>.
fn number(architecture: Architecture) -> u16 {
    match architecture {
        Architecture::All => 255,
        Architecture::X86_64 => 1,
        Architecture::Aarch64 => 19,
        Architecture::Armv7 => 12,
        Architecture::Ppc64le => 16,
        Architecture::S390x => 15,
        Architecture::Riscv64 => 22,
    }
}

#[cfg(test)]
mod tests {
    use super::{is_lead, lead};
    use crate::Architecture;

    #[test]
    fn the_lead_is_what_rpmbuild_writes() {
        let lead = lead("dam-docker-26.1.5-1", Architecture::X86_64);
        assert_eq!(lead[..10], [0xed, 0xab, 0xee, 0xdb, 3, 0, 0, 0, 0, 1]);
        assert_eq!(&lead[10..30], b"dam-docker-26.1.5-1\0");
        assert_eq!(lead[76..80], [0, 1, 0, 5]);
        assert!(is_lead(&lead));
    }

    #[test]
    fn a_long_name_is_cut() {
        let lead = lead(&"x".repeat(300), Architecture::All);
        assert_eq!((lead[74], lead[75]), (b'x', 0));
    }
}
