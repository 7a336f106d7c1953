//! One file with logins.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use dam_oci::registry::{Credentials, Secret};
use serde_json::Value;

use super::LoginFault;
use crate::{Error, Result};

/// Longest file, in bytes.
const LIMIT: u64 = 1 << 20;

/// Editors and scripts leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A file with logins. It is looked at as JSON of any shape: a typed reader would quote what it does not like, and that may
/// be a password.
pub(super) struct Settings {
    path: PathBuf,
    json: Value,
}

impl Settings {
    /// Reads a file, if it is there.
    pub(super) fn read(path: &Path) -> Result<Option<Self>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
            Err(error) => return Err(Error::access(path)(error)),
        };
        let mut bytes = Vec::new();
        file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(Error::access(path))?;
        let path = path.to_owned();
        if bytes.len() as u64 > LIMIT {
            return Err(LoginFault::TooLong { path, limit: LIMIT }.into());
        }
        if bytes.trim_ascii().is_empty() {
            return Ok(None);
        }
        match serde_json::from_slice(&bytes) {
            Ok(json) => Ok(Some(Self { path, json })),
            Err(source) => Err(LoginFault::Unreadable { path, source }.into()),
        }
    }

    /// Returns the name of the helper that knows a registry.
    pub(super) fn helper(&self, host: &str, path: &str) -> Result<Option<String>, LoginFault> {
        let own = self.best("credHelpers", host, path).map(|(_, name)| name);
        let Some(name) = own.or_else(|| self.json.get("credsStore")).and_then(Value::as_str) else { return Ok(None) };
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        match name {
            "" => Ok(None),
            name if name.bytes().all(good) => Ok(Some(name.to_owned())),
            name => Err(LoginFault::BadHelper { path: self.path.clone(), name: name.to_owned() }),
        }
    }

    /// Returns the login that the file itself has.
    pub(super) fn login(&self, host: &str, path: &str) -> Result<Option<Credentials>, LoginFault> {
        let Some((key, entry)) = self.best("auths", host, path) else { return Ok(None) };
        let text = |field: &str| entry.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
        if let Some(token) = text("identitytoken") {
            return Ok(Some(Credentials::IdentityToken(Secret::new(token))));
        }
        if let Some(auth) = text("auth") {
            let bad = || LoginFault::BadLogin { path: self.path.clone(), key: key.to_owned() };
            return decode(auth).map(Some).ok_or_else(bad);
        }
        let named = text("username").zip(text("password"));
        Ok(named.map(|(username, password)| Credentials::Password {
            username: username.to_owned(),
            password: Secret::new(password),
        }))
    }

    /// Returns the entry of a table that fits best: of those that fit, the one with the longest path.
    fn best(&self, table: &str, host: &str, path: &str) -> Option<(&str, &Value)> {
        let entries = self.json.get(table)?.as_object()?.iter();
        let fitting = entries.filter_map(|(key, value)| Some((fits(key, host, path)?, key, value)));
        // The first of several that fit alike: `max_by_key` would take the last.
        let best = fitting.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
        Some((best.1, best.2))
    }
}

/// Tells how long the path of a key is, if a place at a registry is below it.
///
/// Keys are hosts, hosts with a path, or URLs as of the first API: `https://index.docker.io/v1/`.
fn fits(key: &str, host: &str, path: &str) -> Option<usize> {
    let key = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let (key_host, key_path) = key.split_once('/').unwrap_or((key, ""));
    let key_path = match key_path.trim_matches('/') {
        "v1" | "v2" => "",
        path => path,
    };
    let key_host = match key_host {
        "index.docker.io" | "registry-1.docker.io" => "docker.io",
        host => host,
    };
    let rest = path.strip_prefix(key_path)?;
    let below = key_path.is_empty() || rest.is_empty() || rest.starts_with('/');
    (below && key_host.eq_ignore_ascii_case(host)).then_some(key_path.len())
}

/// Reads base64 of `user:password`. Some old versions of Docker put zeros behind the password.
fn decode(auth: &str) -> Option<Credentials> {
    let text = String::from_utf8(BASE64.decode(auth.trim()).ok()?).ok()?;
    let (username, password) = text.split_once(':')?;
    let (username, password) = (username.to_owned(), Secret::new(password.trim_end_matches('\0')));
    Some(Credentials::Password { username, password })
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn keys_are_hosts_paths_and_old_urls() {
        for key in
            ["plant:5000", "https://plant:5000", "http://plant:5000/v1/", "https://plant:5000/v2/", "PLANT:5000/"]
        {
            assert_eq!(fits(key, "plant:5000", "team/shop"), Some(0), "{key}");
        }
        for key in ["https://index.docker.io/v1/", "docker.io", "index.docker.io", "registry-1.docker.io"] {
            assert_eq!(fits(key, "docker.io", ""), Some(0), "{key}");
        }
        assert_eq!(fits("plant:5000/team", "plant:5000", "team/shop"), Some(4));
        assert_eq!(fits("plant:5000/team", "plant:5000", "team"), Some(4));
        for key in ["plant", "plant:5001", "plant:5000/teams", "plant:5000/tea", "plant:5000/team/shop/x", ""] {
            assert_eq!(fits(key, "plant:5000", "team/shop"), None, "{key}");
        }
    }
}
