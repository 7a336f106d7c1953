//! Durations as Go writes them.

/// Reads `30s`, `1m30s` or `1.5h` as nanoseconds.
///
/// Grammar: <https://pkg.go.dev/time#ParseDuration>; without a sign, as no instruction takes less than nothing.
pub(super) fn nanoseconds(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let mut total = 0_f64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|&at| at > 0)?;
        let unit = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| digits + at);
        let factor = match &rest[digits..unit] {
            "ns" => 1e0,
            "us" | "µs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3600e9,
            _ => return None,
        };
        total += rest[..digits].parse::<f64>().ok()? * factor;
        rest = &rest[unit..];
    }
    // Go's durations end at 2^63 nanoseconds.
    (!text.is_empty() && total < 9.2e18).then_some(total.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::nanoseconds;

    #[test]
    fn reads_what_go_reads() {
        assert_eq!(nanoseconds("30s"), Some(30_000_000_000));
        assert_eq!(nanoseconds("1m30s"), Some(90_000_000_000));
        assert_eq!(nanoseconds("1.5h"), Some(5_400_000_000_000));
        assert_eq!(nanoseconds("300ms"), Some(300_000_000));
        assert_eq!(nanoseconds("0"), Some(0));
        for text in ["", "s", "30", "3 s", "-1s", "1d", "1..2s", "999999999999h"] {
            assert_eq!(nanoseconds(text), None, "{text}");
        }
    }
}
