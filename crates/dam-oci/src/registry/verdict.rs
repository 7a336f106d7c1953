//! What a failed request, or an answer that is none, means.

use std::io::{self, Read};
use std::time::{Duration, SystemTime};

use rustls::{CertificateError, InvalidMessage};
use serde::Deserialize;
use ureq::Body;
use ureq::http::{HeaderMap, Response};

use super::{RegistryFault, TimeLimits};

/// Bytes of an answer that are read to learn why something was refused.
const WORDS_LIMIT: u64 = 64 << 10;
/// Characters of a registry's own words that are shown.
const WORDS_SHOWN: usize = 200;

/// Tells what it means that no answer came.
pub(super) fn of_failure(error: ureq::Error, limits: &TimeLimits) -> RegistryFault {
    match error {
        ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => RegistryFault::Silent(limits.connect),
        ureq::Error::Timeout(_) => RegistryFault::Silent(limits.silence),
        ureq::Error::HostNotFound => RegistryFault::UnknownHost(io::Error::other("no address belongs to it")),
        ureq::Error::ConnectionFailed => RegistryFault::Unreachable(io::Error::other("the connection failed")),
        ureq::Error::ConnectProxyFailed(words) => {
            RegistryFault::Unreachable(io::Error::other(format!("the proxy refuses: {}", shorten(&words))))
        }
        ureq::Error::Rustls(error) => of_tls(error),
        ureq::Error::Tls(words) => RegistryFault::Tls(io::Error::other(words)),
        ureq::Error::Io(error) => of_io(error, limits),
        ureq::Error::Protocol(error) => RegistryFault::Nonsense(format!("no HTTP: {error}")),
        ureq::Error::LargeResponseHeader(..) => RegistryFault::Nonsense("its headers are too long".to_owned()),
        other => RegistryFault::Lost(io::Error::other(other)),
    }
}

/// Tells what it means that a connection failed, or the body of an answer breaks off.
pub(super) fn of_io(error: io::Error, limits: &TimeLimits) -> RegistryFault {
    // The library wraps its own errors where it has to return one of `io`.
    let error = match error.downcast::<ureq::Error>() {
        Ok(ureq::Error::Io(inner)) => inner,
        Ok(inner) => return of_failure(inner, limits),
        Err(error) => error,
    };
    let error = match error.downcast::<rustls::Error>() {
        Ok(inner) => return of_tls(inner),
        Err(error) => error,
    };
    // The system library names no kind for it.
    if error.to_string().starts_with("failed to lookup address information") {
        return RegistryFault::UnknownHost(error);
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::AddrNotAvailable
        | io::ErrorKind::PermissionDenied => RegistryFault::Unreachable(error),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => RegistryFault::Silent(limits.silence),
        _ => RegistryFault::Lost(error),
    }
}

fn of_tls(error: rustls::Error) -> RegistryFault {
    match &error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            RegistryFault::UnknownAuthority(io::Error::other(error))
        }
        // The first byte of a TLS record is a small number, and that of an HTTP answer an `H`.
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => RegistryFault::PlainHttp,
        _ => RegistryFault::Tls(io::Error::other(error)),
    }
}

/// Tells what it means that a request was not done. `shown` says whether credentials came with it.
pub(super) fn of_answer(answer: Response<Body>, shown: bool) -> RegistryFault {
    match answer.status().as_u16() {
        401 => RegistryFault::LoginNeeded { shown },
        403 => RegistryFault::Forbidden,
        404 => RegistryFault::NotFound,
        429 => RegistryFault::RateLimited { retry_after: retry_after(answer.headers()) },
        status => RegistryFault::Status { status, words: words(answer) },
    }
}

/// Tells whether the same request may be answered the next time.
pub(super) fn may_pass(fault: &RegistryFault) -> bool {
    match fault {
        RegistryFault::Lost(_) | RegistryFault::RateLimited { .. } => true,
        RegistryFault::Status { status, .. } => matches!(status, 408 | 500 | 502 | 503 | 504),
        _ => false,
    }
}

/// Reads seconds, or a date. Source: <https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3>.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => Some(date(text)?.duration_since(SystemTime::now()).unwrap_or_default()),
    }
}

/// Reads a date such as `Sun, 06 Nov 1994 08:49:37 GMT`.
fn date(text: &str) -> Option<SystemTime> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let [day, month, year, time, "GMT"] = *text.split_once(", ")?.1.split(' ').collect::<Vec<_>>() else { return None };
    let month = MONTHS.iter().position(|&name| name == month)? as u64 + 1;
    let (day, year): (u64, u64) = (day.parse().ok()?, year.parse().ok()?);
    let clock: Option<Vec<u64>> = time.split(':').map(|part| part.parse().ok()).collect();
    let [hours, minutes, seconds] = clock?[..] else { return None };
    if !(1970..3000).contains(&year) || day > 31 || hours > 24 || minutes > 60 || seconds > 60 {
        return None;
    }
    // Days since 1970, counted in years that begin in March, so that a leap day is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719_468;
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(days * 86_400 + hours * 3600 + minutes * 60 + seconds))
}

/// The errors of a registry.
///
/// Source: <https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes>.
#[derive(Deserialize)]
struct Errors {
    errors: Vec<Reason>,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// Reads what a registry says of why it refused.
fn words(answer: Response<Body>) -> Option<String> {
    let mut bytes = Vec::new();
    answer.into_body().into_reader().take(WORDS_LIMIT).read_to_end(&mut bytes).ok()?;
    let Errors { errors } = serde_json::from_slice(&bytes).ok()?;
    let first = errors.into_iter().next()?;
    let text = if first.message.is_empty() { first.code } else { first.message };
    Some(shorten(&text)).filter(|text| !text.is_empty())
}

/// Makes one short line of what a server says, that does nothing to a terminal.
pub(super) fn shorten(text: &str) -> String {
    let line = text.chars().map(|character| if character.is_control() { ' ' } else { character });
    line.take(WORDS_SHOWN).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{date, shorten};

    #[test]
    fn dates_are_read() {
        let at = |text: &str| date(text).map(|time| time.duration_since(SystemTime::UNIX_EPOCH).expect("later"));
        assert_eq!(at("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(784_111_777)));
        assert_eq!(at("Thu, 01 Jan 1970 00:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(at("Thu, 29 Feb 2024 12:00:00 GMT"), Some(Duration::from_secs(1_709_208_000)));
        for bad in
            ["", "now", "Sun, 06 Now 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49 GMT", "x, 1 Jan 99999 0:0:0 GMT"]
        {
            assert_eq!(at(bad), None, "{bad}");
        }
    }

    #[test]
    fn words_of_a_server_are_one_harmless_line() {
        assert_eq!(shorten("a\u{1b}[31m\nb "), "a [31m b");
        assert_eq!(shorten(&"x".repeat(999)).len(), 200);
    }
}
