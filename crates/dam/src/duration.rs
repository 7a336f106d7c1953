//! Lengths of time, as typed and as shown.

use std::time::Duration;

/// The text that is not a length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a length of time such as `90s`, `5m` or `1h30m`")]
pub(crate) struct ParseDurationError(String);

/// Reads `90s`, `5m`, `1h30m`, or plain seconds.
pub(crate) fn parse(text: &str) -> Result<Duration, ParseDurationError> {
    read(text).map(Duration::from_secs).ok_or_else(|| ParseDurationError(text.to_owned()))
}

fn read(text: &str) -> Option<u64> {
    if let Ok(seconds) = text.parse() {
        return text.bytes().all(|byte| byte.is_ascii_digit()).then_some(seconds);
    }
    let mut total = 0u64;
    let mut rest = text;
    // Units must fall, so that `5m1h` and `1m1m`, which are likelier slips than wishes, are refused.
    for (unit, seconds) in [('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)] {
        if let Some((count, after)) = rest.split_once(unit) {
            if count.is_empty() || !count.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            total = total.checked_add(count.parse::<u64>().ok()?.checked_mul(seconds)?)?;
            rest = after;
        }
    }
    (rest.is_empty() && !text.is_empty()).then_some(total)
}

/// Shows a length of time: `0.4 s`, `12 s`, `1:04`, `2:00:00`.
pub(crate) fn show(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{}.{} s", seconds, duration.subsec_millis() / 100),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        _ => format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{parse, show};

    #[test]
    fn reads_what_people_type() {
        let seconds = |text: &str| parse(text).expect(text).as_secs();
        assert_eq!(seconds("90"), 90);
        assert_eq!(seconds("90s"), 90);
        assert_eq!(seconds("5m"), 300);
        assert_eq!(seconds("1h30m"), 5400);
        assert_eq!(seconds("1d2h3m4s"), 93_784);
        assert_eq!(seconds("0"), 0);
    }

    #[test]
    fn refuses_the_rest() {
        for text in ["", "s", "1x", "-1s", "+5", "1.5h", "5m1h", "1m1m", "1 h", "99999999999999999999s"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(
            parse("soon").expect_err("no time").to_string(),
            "`soon` is not a length of time such as `90s`, `5m` or `1h30m`"
        );
    }

    #[test]
    fn shows_as_a_clock() {
        assert_eq!(show(Duration::from_millis(449)), "0.4 s");
        assert_eq!(show(Duration::from_secs(12)), "12 s");
        assert_eq!(show(Duration::from_secs(64)), "1:04");
        assert_eq!(show(Duration::from_secs(7_205)), "2:00:05");
    }
}
