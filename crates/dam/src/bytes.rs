//! Sizes in words.

use std::fmt;

/// A number of bytes, shown as Docker shows it: decimal units, such as `402.1 MB` and `12.0 kB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
        if self.0 < 1000 {
            return f.pad(&format!("{} B", self.0));
        }
        // In tenths of the unit and rounded half up, so that 999,950 bytes are 1.0 MB and never 1000.0 kB.
        let mut scale: u128 = 100;
        let tenths = |scale: u128| (u128::from(self.0) + scale / 2) / scale;
        let mut unit = 0;
        while tenths(scale) >= 10_000 && unit + 1 < UNITS.len() {
            scale *= 1000;
            unit += 1;
        }
        let tenths = tenths(scale);
        f.pad(&format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit]))
    }
}

#[cfg(test)]
mod tests {
    use super::Bytes;

    #[test]
    fn sizes_are_decimal_with_one_digit() {
        let shown = |bytes| Bytes(bytes).to_string();
        assert_eq!(shown(0), "0 B");
        assert_eq!(shown(999), "999 B");
        assert_eq!(shown(1000), "1.0 kB");
        assert_eq!(shown(12_000), "12.0 kB");
        assert_eq!(shown(402_123_456), "402.1 MB");
        assert_eq!(shown(3_250_000_000), "3.3 GB");
        assert_eq!(shown(999_949), "999.9 kB");
        assert_eq!(shown(999_950), "1.0 MB");
        assert_eq!(shown(u64::MAX), "18.4 EB");
        assert_eq!(format!("{:>9}", Bytes(12_000)), "  12.0 kB");
    }
}
