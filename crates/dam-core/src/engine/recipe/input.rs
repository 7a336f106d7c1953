//! Where the parts of a package come from.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use dam_oci::Digest;

use super::Pins;
use super::fault::Reason;
use super::reader::{Reader, Section};

/// A file that goes into a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Where it is.
    pub source: Source,
    /// Its digest. A URL has one, unless the recipe was read without pins.
    pub sha256: Option<Digest>,
}

/// Where a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Here.
    Path(PathBuf),
    /// In the net.
    Url(Url),
}

/// The address of a file: `https://` or `http://`, a host, and a file name at the end. No login: it would stand in every
/// message, and in the package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url(String);

impl Url {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name of the file, which tells an engine's version.
    pub fn file_name(&self) -> &str {
        let path = self.0.split(['?', '#']).next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Url {
    type Err = ParseUrlError;

    fn from_str(text: &str) -> Result<Self, ParseUrlError> {
        let fault = || ParseUrlError(text.to_owned());
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).ok_or_else(fault)?;
        let (host, _) = rest.split_once('/').ok_or_else(fault)?;
        let url = Self(text.to_owned());
        let good = !host.is_empty() && !host.contains('@') && text.bytes().all(|byte| byte.is_ascii_graphic());
        // Neither a file name nor something that a shell or a folder takes for another.
        let name = !matches!(url.file_name(), "" | "." | "..");
        if good && name { Ok(url) } else { Err(fault()) }
    }
}

/// A text that is no address of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address of a file, such as `https://host/folder/file.tgz`")]
pub struct ParseUrlError(pub String);

/// Reads a section with `path` or `url`, and `sha256`.
pub(super) fn read<'d>(reader: &mut Reader<'d>, section: &Section<'d>) -> Option<Input> {
    let path = reader.value(section, "path", not_empty);
    let url = reader.value(section, "url", Url::from_str);
    let line = |reader: &Reader<'d>, key| reader.find(section, key).map(|(line, _)| line);
    let (has_path, has_url) = (line(reader, "path").is_some(), line(reader, "url"));
    let digest = line(reader, "sha256");
    let sha256 = reader.value(section, "sha256", |text| {
        Digest::from_hex(&text.strip_prefix("sha256:").unwrap_or(text).to_lowercase())
            .map_err(|_| format!("takes 64 hex digits, as `sha256sum` prints them, not `{text}`"))
    });
    match (has_path, has_url, digest) {
        (true, Some(line), _) => reader.refuse(line, section, "url", "only one of `path` and `url` can be given"),
        (false, Some(line), None) if reader.pins == Pins::Needed => {
            reader.fault(line, missing(section, "sha256", "what comes from a URL is checked against it"));
        }
        (false, None, Some(line)) => reader.fault(line, missing(section, "path", "or `url`, beside `sha256`")),
        _ => {}
    }
    let source = match (path, url) {
        (Some(path), _) => Source::Path(reader.folder.join(path)),
        (None, Some(url)) => Source::Url(url),
        (None, None) => return None,
    };
    Some(Input { source, sha256 })
}

/// Reads a path.
pub(super) fn not_empty(text: &str) -> Result<PathBuf, &'static str> {
    if text.is_empty() || text.contains('\0') { Err("takes the path of a file") } else { Ok(PathBuf::from(text)) }
}

fn missing(section: &Section, key: &str, why: &'static str) -> Reason {
    Reason::Missing { key: section.key(key), why }
}
