//! Where a repository is found, and what a machine must know of it.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// Where the key lies on a machine with apt.
pub const APT_KEY: &str = "/usr/share/keyrings/dam-archive-keyring.gpg";
/// Where the key lies on a machine with yum.
pub const YUM_KEY: &str = "/etc/pki/rpm-gpg/RPM-GPG-KEY-dam";

/// Where a repository is found: an absolute folder, or a URL of a web server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A folder, without a slash at its end.
    Folder(String),
    /// `http://` or `https://`, without a slash at its end.
    Web(String),
}

/// Why a place cannot stand among the sources of a machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceFault {
    /// It is neither an absolute path nor a URL.
    #[error("`{0}` is neither an absolute folder nor an http:// or https:// address")]
    Neither(String),
    /// It has something that cannot be written there, whatever the quoting.
    #[error("`{place}` cannot be a source: {what}")]
    Unquotable {
        /// The place.
        place: String,
        /// One clause.
        what: &'static str,
    },
}

impl FromStr for Place {
    type Err = PlaceFault;

    fn from_str(text: &str) -> Result<Self, PlaceFault> {
        let unquotable = |what| PlaceFault::Unquotable { place: text.to_owned(), what };
        let end = text.trim_end_matches('/');
        if text.contains(char::is_control) {
            return Err(unquotable("it has a control character"));
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            let host = end.split_once("://").map(|(_, rest)| rest).unwrap_or_default();
            let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"'[]<>\\#,".contains(&byte);
            let good = !host.is_empty() && end.bytes().all(plain);
            return if good { Ok(Self::Web(end.to_owned())) } else { Err(unquotable("it is no plain URL")) };
        }
        if !text.starts_with('/') {
            return Err(PlaceFault::Neither(text.to_owned()));
        }
        // apt takes the quoting away twice.
        if text.contains('%') {
            return Err(unquotable("apt takes `%` for quoting, however it is written"));
        }
        Ok(Self::Folder(if end.is_empty() { "/".to_owned() } else { end.to_owned() }))
    }
}

impl Place {
    /// Takes a folder.
    pub fn folder(path: &Path) -> Result<Self, PlaceFault> {
        let fault = || PlaceFault::Unquotable { place: path.display().to_string(), what: "its name is no text" };
        path.to_str().ok_or_else(fault)?.parse()
    }

    /// Returns the line of `sources.list`: <https://manpages.debian.org/bookworm/apt/sources.list.5.en.html>.
    pub fn apt_source(&self, signed: bool) -> String {
        let option = if signed { format!("signed-by={APT_KEY}") } else { "trusted=yes".to_owned() };
        let place = match self {
            Self::Folder(path) => format!("file:{}", quoted(path)),
            Self::Web(url) => url.clone(),
        };
        format!("deb [{option}] {place} ./\n")
    }

    /// Returns the `.repo` file, which zypper reads as well:
    /// <https://dnf.readthedocs.io/en/latest/conf_ref.html#repo-options>.
    pub fn yum_source(&self, signed: bool, signs_every_rpm: bool) -> String {
        let place = match self {
            Self::Folder(path) => format!("file://{}", quoted(path)),
            Self::Web(url) => url.clone(),
        };
        let [packages, metadata] = [signed && signs_every_rpm, signed].map(u8::from);
        let key = if signed { format!("gpgkey=file://{YUM_KEY}\n") } else { String::new() };
        format!("[dam]\nname=dam\nbaseurl={place}\nenabled=1\ngpgcheck={packages}\nrepo_gpgcheck={metadata}\n{key}")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (Self::Folder(place) | Self::Web(place)) = self;
        f.pad(place)
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Quotes a path as URLs do; both kinds of files take that.
fn quoted(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    path.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::{Place, PlaceFault};

    fn place(text: &str) -> Place {
        text.parse().expect(text)
    }

    #[test]
    fn a_folder_is_quoted() {
        let stick = place("/media/größe 7/");
        assert_eq!(stick.apt_source(false), "deb [trusted=yes] file:/media/gr%C3%B6%C3%9Fe%207 ./\n");
        assert_eq!(
            stick.apt_source(true),
            "deb [signed-by=/usr/share/keyrings/dam-archive-keyring.gpg] file:/media/gr%C3%B6%C3%9Fe%207 ./\n"
        );
        assert_eq!(
            place("/").yum_source(false, true),
            "[dam]\nname=dam\nbaseurl=file:///\nenabled=1\ngpgcheck=0\nrepo_gpgcheck=0\n"
        );
    }

    #[test]
    fn a_web_server_is_named_as_it_is() {
        let web = place("https://plant:8080/dam/");
        assert_eq!(web.apt_source(false), "deb [trusted=yes] https://plant:8080/dam ./\n");
        assert_eq!(
            web.yum_source(true, true),
            "[dam]\nname=dam\nbaseurl=https://plant:8080/dam\nenabled=1\ngpgcheck=1\nrepo_gpgcheck=1\n\
             gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-dam\n"
        );
        assert!(web.yum_source(true, false).contains("\ngpgcheck=0\nrepo_gpgcheck=1\n"));
    }

    #[test]
    fn what_no_source_can_hold_is_told() {
        let why = |text: &str| text.parse::<Place>().expect_err(text).to_string();
        assert_eq!(why("stick"), "`stick` is neither an absolute folder nor an http:// or https:// address");
        assert_eq!(why("/a%41"), "`/a%41` cannot be a source: apt takes `%` for quoting, however it is written");
        assert_eq!(why("/a\nb"), "`/a\nb` cannot be a source: it has a control character");
        assert_eq!(why("http://"), "`http://` cannot be a source: it is no plain URL");
        assert_eq!(why("http://a b"), "`http://a b` cannot be a source: it is no plain URL");
        let fault = Place::folder(std::path::Path::new(std::ffi::OsStr::new("x"))).expect_err("relative");
        assert_eq!(fault, PlaceFault::Neither("x".to_owned()));
    }
}
