//! File names that carry a checksum.
//!
//! | form | written by |
//! |---|---|
//! | `NAME-VERSION.CRC.dam` | dam 2, DAM 1.2 |
//! | `NAME-VERSION.CRC-SIZE.dam` | DAM 1.0 and 1.1 |
//!
//! CRC is the CRC-32 (IEEE, as in gzip) of the whole file, eight hex digits; SIZE is its length in bytes, decimal.

use crate::app::AppId;

/// What a file name promises of the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promise {
    /// CRC-32 of all bytes.
    pub crc: u32,
    /// Length in bytes.
    pub size: Option<u64>,
}

/// Names the file of one app. A `/` in the app's name becomes `_`.
pub fn file_name(app: &AppId, crc: u32) -> String {
    format!("{}-{}.{crc:08x}.dam", app.name.as_str().replace('/', "_"), app.version)
}

/// Reads what a file name promises; `None` if it has none of the forms above. Capitals count as small letters: some file
/// systems of memory sticks know no others.
pub fn parse(name: &str) -> Option<Promise> {
    let name = name.to_ascii_lowercase();
    let (app, sum) = name.strip_suffix(".dam")?.rsplit_once('.')?;
    let (crc, size) = match sum.split_once('-') {
        Some((crc, size)) => (crc, Some(size)),
        None => (sum, None),
    };
    if !app.contains('-') || crc.len() != 8 || !crc.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let size = match size {
        Some(size) if size.bytes().all(|byte| byte.is_ascii_digit()) => Some(size.parse().ok()?),
        Some(_) => return None,
        None => None,
    };
    Some(Promise { crc: u32::from_str_radix(crc, 16).ok()?, size })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{Promise, file_name, parse};

    #[test]
    fn reads_both_forms() {
        assert_eq!(parse("my-app-1.0.0.639533ca.dam"), Some(Promise { crc: 0x6395_33ca, size: None }));
        let old = Promise { crc: 0xa99a_c09f, size: Some(162_730_321) };
        assert_eq!(parse("mongodb-3.6.20.a99ac09f-162730321.dam"), Some(old));
        assert_eq!(parse("SHOP-1.0.A1B2C3D4.DAM"), Some(Promise { crc: 0xa1b2_c3d4, size: None }));
    }

    #[test]
    fn other_names_promise_nothing() {
        for name in [
            "shop.dam",
            "shop-1.0.dam",
            "shop-1.0.tar",
            "shop.a1b2c3d4.dam",
            "shop-1.0.a1b2c3d.dam",
            "shop-1.0.a1b2c3d4-x.dam",
            "shop-1.0.a1b2c3d4-.dam",
            "shop-1.0.+1b2c3d4.dam",
            "shop-1.0.a1b2c3d4-99999999999999999999.dam",
            ".dam",
            "",
        ] {
            assert_eq!(parse(name), None, "{name}");
        }
    }

    #[test]
    fn a_slash_becomes_an_underscore() {
        let app = "tools/backup:1.0".parse().expect("an app");
        assert_eq!(file_name(&app, 0xab), "tools_backup-1.0.000000ab.dam");
    }

    proptest! {
        #[test]
        fn reads_what_it_writes(name in "[a-z]{1,5}(/[a-z]{1,5})?", version in "[A-Za-z0-9][A-Za-z0-9._-]{0,9}", crc in any::<u32>()) {
            let app = format!("{name}:{version}").parse().expect("an app");
            assert_eq!(parse(&file_name(&app, crc)), Some(Promise { crc, size: None }));
        }

        #[test]
        fn never_panics(name in ".{0,40}") {
            parse(&name);
        }
    }
}
