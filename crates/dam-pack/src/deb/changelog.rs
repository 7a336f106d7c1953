//! Debian's changelog: <https://www.debian.org/doc/debian-policy/ch-source.html#debian-changelog-debian-changelog>.

use std::io::Write;

use flate2::{Compression, GzBuilder};

use crate::Package;
use crate::deb::control;

/// Renders what changed, newest first.
///
/// The package's epoch is shown with each of its versions.
pub fn changelog(package: &Package) -> String {
    let changes = package.changelog.iter().map(|change| {
        let version = control::version(package.epoch, &change.version);
        let lines: String = change.lines.iter().map(|line| format!("  * {}\n", line.replace('\n', "\n    "))).collect();
        let date = mail_date(change.date);
        format!(
            "{} ({version}) unstable; urgency=medium\n\n{lines}\n -- {}  {date}\n",
            package.name, package.maintainer
        )
    });
    changes.collect::<Vec<_>>().join("\n")
}

/// Compresses a text for `/usr/share/doc` as `gzip -9n` does, as Debian wants its changelogs: the same bytes always.
pub fn gzip(text: &[u8]) -> Vec<u8> {
    // 3 is Unix; left alone, the byte would be that of the machine.
    let mut encoder = GzBuilder::new().mtime(0).operating_system(3).write(Vec::new(), Compression::best());
    encoder.write_all(text).and_then(|()| encoder.finish()).expect("memory takes all bytes")
}

/// Returns a date as mails have it: `Tue, 14 Nov 2023 22:13:20 +0000`.
pub(crate) fn mail_date(seconds: u32) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    format!(
        "{}, {day:02} {} {year} {:02}:{:02}:{:02} +0000",
        DAYS[days as usize % 7],
        MONTHS[month as usize - 1],
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// Returns year, month and day, from 1, of a day since 1970: `civil_from_days` of
/// <https://howardhinnant.github.io/date_algorithms.html>, for days from 1970 on.
fn civil(days: u32) -> (u32, u32, u32) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + u32::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use flate2::read::GzDecoder;
    use std::io::Read;

    use super::{gzip, mail_date};

    #[test]
    fn dates_are_those_of_mails() {
        assert_eq!(mail_date(0), "Thu, 01 Jan 1970 00:00:00 +0000");
        assert_eq!(mail_date(951_825_599), "Tue, 29 Feb 2000 11:59:59 +0000");
        assert_eq!(mail_date(1_700_000_000), "Tue, 14 Nov 2023 22:13:20 +0000");
        assert_eq!(mail_date(u32::MAX), "Sun, 07 Feb 2106 06:28:15 +0000");
    }

    #[test]
    fn a_compressed_text_says_nothing_of_when_and_where() {
        let bytes = gzip(b"text");
        // Magic, deflate, no flags, no time, best compression, Unix.
        assert_eq!(bytes[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3]);
        let mut text = String::new();
        GzDecoder::new(&bytes[..]).read_to_string(&mut text).expect("good");
        assert_eq!(text, "text");
    }
}
