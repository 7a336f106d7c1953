//! The outer archive of a `.deb`: the common `ar` format of <https://manpages.debian.org/bookworm/dpkg-dev/deb.5.en.html>.
//!
//! It begins with [`MAGIC`]; each member is a header and its bytes, filled up with a newline to an even length.
//!
//! | offset | length | header field                                  |
//! |-------:|-------:|-----------------------------------------------|
//! |      0 |     16 | name, filled up with spaces                   |
//! |     16 |     12 | time, decimal seconds since 1970              |
//! |     28 |      6 | owner, decimal                                |
//! |     34 |      6 | group, decimal                                |
//! |     40 |      8 | mode, octal                                   |
//! |     48 |     10 | length of the bytes, decimal                  |
//! |     58 |      2 | a grave accent and a newline                  |

/// What an archive begins with.
pub(crate) const MAGIC: &[u8; 8] = b"!<arch>\n";

/// Length of a header in bytes.
pub(crate) const HEADER: usize = 60;

/// The longest member that fits its header: ten decimal digits.
pub(crate) const LONGEST: u64 = 9_999_999_999;

/// Renders the header of a member of root's; the name is at most 16 bytes and the size at most [`LONGEST`].
pub(crate) fn header(name: &str, time: u32, size: u64) -> [u8; HEADER] {
    let text = format!("{name:<16}{time:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, "100644");
    text.into_bytes().try_into().expect("fields of a fixed width, within their limits")
}

/// Reads the name and the length of a member from its header; none if it is no header.
pub(crate) fn parse(header: &[u8; HEADER]) -> Option<(String, u64)> {
    let name = std::str::from_utf8(&header[..16]).ok()?.trim_end_matches(' ');
    let size = std::str::from_utf8(&header[48..58]).ok()?.trim_end_matches(' ');
    let digits = !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || header[58..] != *b"`\n" {
        return None;
    }
    // GNU's ar ends names with a slash.
    let name = name.strip_suffix('/').unwrap_or(name);
    Some((name.to_owned(), size.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{LONGEST, header, parse};

    #[test]
    fn a_header_is_sixty_bytes_of_text() {
        let bytes = header("data.tar.xz", 1_700_000_000, 4);
        let text = "data.tar.xz     1700000000  0     0     100644  4         `\n";
        assert_eq!(std::str::from_utf8(&bytes).expect("text"), text);
    }

    #[test]
    fn what_is_no_header_is_told() {
        let mut bytes = header("debian-binary/", 0, 4);
        assert_eq!(parse(&bytes), Some(("debian-binary".to_owned(), 4)));
        bytes[59] = b'x';
        assert_eq!(parse(&bytes), None);
        let mut bytes = header("a", 0, 4);
        bytes[48] = b'-';
        assert_eq!(parse(&bytes), None);
    }

    proptest! {
        #[test]
        fn headers_are_read_back(name in "[a-z_.-]{1,15}", time in any::<u32>(), size in 0..=LONGEST) {
            prop_assert_eq!(parse(&header(&name, time, size)), Some((name, size)));
        }

        #[test]
        fn nothing_makes_it_panic(bytes in any::<[u8; 32]>(), more in any::<[u8; 28]>()) {
            let mut header = [0; 60];
            header[..32].copy_from_slice(&bytes);
            header[32..].copy_from_slice(&more);
            parse(&header);
        }
    }
}
