//! Names in a tar, made safe.

use crate::archive::NameFault;

/// The longest name of a member of an image archive, in bytes. Real ones stay under 100; the limit bounds the memory
/// that a list of members takes.
const MEMBER_LIMIT: usize = 512;

/// Strips a leading `/` or `./` (DAM 1.x writes the former) and whatever else means nothing, and refuses `..`.
///
/// The result never begins or ends with `/`; the root itself is empty.
pub(crate) fn clean(name: &[u8]) -> Result<Vec<u8>, NameFault> {
    let mut cleaned = Vec::with_capacity(name.len());
    if name.contains(&0) {
        return Err(NameFault::Zero);
    }
    for part in name.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => continue,
            b".." => return Err(NameFault::Parent),
            part => {
                if !cleaned.is_empty() {
                    cleaned.push(b'/');
                }
                cleaned.extend_from_slice(part);
            }
        }
    }
    Ok(cleaned)
}

/// Cleans the name of a member of an image archive, which is short text.
pub(crate) fn clean_member(name: &[u8]) -> Result<String, NameFault> {
    let cleaned = clean(name)?;
    if cleaned.len() > MEMBER_LIMIT {
        return Err(NameFault::Long);
    }
    String::from_utf8(cleaned).map_err(|_| NameFault::NotText)
}

/// Resolves the target of the symlink `name` (clean) inside the archive; `None` if it leaves it.
pub(crate) fn resolve(name: &str, target: &str) -> Option<String> {
    // An absolute target would be absolute on the machine that reads it: outside.
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = name.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Shows a name from a tar: what is not text is marked, and a long one is cut.
pub(crate) fn show(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(&name[..name.len().min(200)]).into_owned();
    text.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::{clean, clean_member, resolve};
    use crate::archive::NameFault;

    fn cleaned(name: &str) -> Result<String, NameFault> {
        clean_member(name.as_bytes())
    }

    #[test]
    fn what_means_nothing_is_dropped() {
        for name in ["a/b", "/a/b", "./a/b", "//a//b", "a/./b/", "/./a/b/."] {
            assert_eq!(cleaned(name), Ok("a/b".to_owned()), "{name}");
        }
        for name in ["", "/", ".", "./", "//./"] {
            assert_eq!(cleaned(name), Ok(String::new()), "{name}");
        }
        assert_eq!(cleaned("..a/b.."), Ok("..a/b..".to_owned()));
    }

    #[test]
    fn what_could_escape_is_refused() {
        for name in ["..", "../a", "a/../b", "/..", "a/.."] {
            assert_eq!(cleaned(name), Err(NameFault::Parent), "{name}");
        }
        assert_eq!(cleaned("a\0b"), Err(NameFault::Zero));
        assert_eq!(cleaned(&"a".repeat(513)), Err(NameFault::Long));
        assert_eq!(clean_member(b"a\xff"), Err(NameFault::NotText));
    }

    #[test]
    fn links_resolve_inside_only() {
        assert_eq!(resolve("two/layer.tar", "../one/layer.tar"), Some("one/layer.tar".to_owned()));
        assert_eq!(resolve("two/layer.tar", "layer2.tar"), Some("two/layer2.tar".to_owned()));
        assert_eq!(resolve("two/layer.tar", "../../etc/passwd"), None);
        assert_eq!(resolve("two/layer.tar", "/etc/passwd"), None);
    }

    proptest! {
        #[test]
        fn a_clean_name_stays_inside(name in prop::collection::vec(prop::sample::select(b"./a\0\xff".to_vec()), 0..24)) {
            if let Ok(cleaned) = clean(&name) {
                assert_eq!(clean(&cleaned), Ok(cleaned.clone()));
                assert!(cleaned.is_empty() || cleaned.split(|&b| b == b'/').all(|p| !matches!(p, b"" | b"." | b"..")));
            }
        }

        #[test]
        fn a_resolved_link_stays_inside(name in any::<String>(), target in "[./a]{0,12}") {
            if let (Ok(name), Ok(_)) = (clean_member(name.as_bytes()), clean_member(b""))
                && let Some(resolved) = resolve(&name, &target)
            {
                assert!(!resolved.split('/').any(|part| part == ".."));
                assert!(!resolved.starts_with('/'));
            }
        }
    }
}
