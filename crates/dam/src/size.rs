//! Sizes as typed.

/// The text that is no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a size such as `650MB`, `4G` or a number of bytes")]
pub(crate) struct ParseSizeError(String);

/// Reads `4G`, `650MB`, `1GiB`, or plain bytes, as `split` does: `K`, `M`, `G`, `T` and those with `iB` are powers of 1024,
/// those with `B` are powers of 1000. Capitals do not matter.
pub(crate) fn parse(text: &str) -> Result<u64, ParseSizeError> {
    read(text).ok_or_else(|| ParseSizeError(text.to_owned()))
}

fn read(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = unit.to_ascii_lowercase();
    if unit.is_empty() || unit == "b" {
        return number.parse().ok();
    }
    let (base, unit): (u64, _) = match (unit.strip_suffix("ib"), unit.strip_suffix('b')) {
        (Some(unit), _) => (1024, unit),
        (None, Some(unit)) => (1000, unit),
        (None, None) => (1024, &*unit),
    };
    let power = match unit {
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(base.checked_pow(power)?)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn reads_what_split_and_docker_users_type() {
        let read = |text: &str| parse(text).expect(text);
        assert_eq!((read("650MB"), read("650mb"), read("4G")), (650_000_000, 650_000_000, 4 << 30));
        assert_eq!((read("4GiB"), read("4g"), read("4GB")), (4 << 30, 4 << 30, 4_000_000_000));
        assert_eq!((read("1500000"), read("100b"), read("3k"), read("1T")), (1_500_000, 100, 3072, 1 << 40));
    }

    #[test]
    fn refuses_the_rest() {
        for text in
            ["", "G", "-1G", "+1G", "1.5G", "1 G", "1GG", "1x", "1ib", "1bb", "99999999999T", "99999999999999999999"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
