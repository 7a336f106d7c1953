//! Times in words.

use dam_core::ledger::Timestamp;

const MINUTE: i64 = 60;
const MINUTE_AHEAD: i64 = -MINUTE;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;
const MONTH: i64 = 30 * DAY;
const YEAR: i64 = 365 * DAY;

/// Says how long before `now` something was, such as `2 min ago` or `3 weeks ago`.
///
/// Machines without internet often have wrong clocks: what lies up to a minute ahead is `just now`, the rest
/// `in the future`.
pub(crate) fn ago(then: Timestamp, now: Timestamp) -> String {
    let many = |count: i64, one: &str| match count {
        1 => format!("1 {one} ago"),
        count => format!("{count} {one}s ago"),
    };
    let seconds = now.0.saturating_sub(then.0);
    match seconds {
        ..MINUTE_AHEAD => "in the future".to_owned(),
        MINUTE_AHEAD..5 => "just now".to_owned(),
        5..MINUTE => format!("{seconds} s ago"),
        MINUTE..HOUR => format!("{} min ago", seconds / MINUTE),
        HOUR..DAY => many(seconds / HOUR, "hour"),
        DAY..WEEK => many(seconds / DAY, "day"),
        WEEK..MONTH => many(seconds / WEEK, "week"),
        MONTH..YEAR => many(seconds / MONTH, "month"),
        YEAR.. => many(seconds / YEAR, "year"),
    }
}

#[cfg(test)]
mod tests {
    use dam_core::ledger::Timestamp;

    use super::ago;

    #[test]
    fn the_largest_unit_that_fits() {
        let shown = |seconds: i64| ago(Timestamp(2_000_000_000 - seconds), Timestamp(2_000_000_000));
        assert_eq!(shown(0), "just now");
        assert_eq!(shown(59), "59 s ago");
        assert_eq!(shown(120), "2 min ago");
        assert_eq!(shown(3600), "1 hour ago");
        assert_eq!(shown(2 * 86_400), "2 days ago");
        assert_eq!(shown(22 * 86_400), "3 weeks ago");
        assert_eq!(shown(60 * 86_400), "2 months ago");
        assert_eq!(shown(366 * 86_400), "1 year ago");
        assert_eq!(shown(-30), "just now");
        assert_eq!(shown(-90), "in the future");
        assert_eq!(ago(Timestamp(i64::MIN), Timestamp(i64::MAX)), "292471208677 years ago");
    }
}
