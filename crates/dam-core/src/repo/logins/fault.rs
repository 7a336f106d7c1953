//! What can go wrong with logins. Nothing here quotes what may be a password.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// What can go wrong with the logins of Docker and its kin.
#[derive(Debug, thiserror::Error)]
pub enum LoginFault {
    /// A file with logins is no JSON.
    #[error("the logins in `{path}` cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Where it stops being JSON.
        source: serde_json::Error,
    },
    /// A file with logins is longer than any.
    #[error("the logins in `{path}` are longer than {limit} bytes")]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit: u64,
    },
    /// A login is none.
    #[error("the login for `{key}` in `{path}` is no base64 of `user:password`")]
    BadLogin {
        /// The file.
        path: PathBuf,
        /// The registry, as the file names it.
        key: String,
    },
    /// The name of a helper is a path or worse.
    #[error("`{name}` in `{path}` names no credential helper")]
    BadHelper {
        /// The file.
        path: PathBuf,
        /// What it says.
        name: String,
    },
    /// A helper is not on this machine.
    #[error("the credential helper `{program}` is not there")]
    NoHelper {
        /// The program.
        program: String,
    },
    /// A helper could not be run.
    #[error("the credential helper `{program}` cannot be run")]
    NotRun {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A helper failed.
    #[error("the credential helper `{program}` says nothing of `{server}`{}", .said.as_ref().map(|said| format!(": {said}")).unwrap_or_default())]
    Failed {
        /// The program.
        program: PathBuf,
        /// The registry it was asked about.
        server: String,
        /// Its own words, the first line.
        said: Option<String>,
    },
    /// A helper answered with something else than a login.
    #[error("the credential helper `{program}` answered with something else than a login")]
    Nonsense {
        /// The program.
        program: PathBuf,
    },
    /// A helper took too long and was ended.
    #[error("the credential helper `{program}` said nothing for {} s", .limit.as_secs_f32())]
    Silent {
        /// The program.
        program: PathBuf,
        /// How long it had.
        limit: Duration,
    },
}
