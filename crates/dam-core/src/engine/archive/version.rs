//! The version of an engine.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use dam_pack::PackageVersion;

/// The longest version, in bytes.
const LIMIT: usize = 64;

/// How the linker was told the version, which Go notes in its programs.
const NOTE: &[u8] = b"dockerversion.Version=";

/// Reads the version from the name of an archive: `docker-29.0.0-rc.1.tgz` is `29.0.0~rc.1`.
pub(super) fn of_name(archive: &Path) -> Option<String> {
    let name = archive.file_name()?.to_str()?;
    let stem = [".tgz", ".tar.gz", ".tar.zst", ".tar"].iter().find_map(|end| name.strip_suffix(end))?;
    of_text(stem.strip_prefix("docker-")?)
}

/// Reads the version from the bytes of `dockerd`.
///
/// Where Go noted the linker's flags, it stands there. Otherwise it is a text of its own between zero bytes, and only
/// believed if there is one such text.
pub(super) fn of_program(program: impl Read) -> io::Result<Option<String>> {
    let mut scan = Scan::default();
    let mut reader = BufReader::with_capacity(256 << 10, program);
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(scan.result());
        }
        bytes.iter().for_each(|&byte| scan.pass(byte));
        let count = bytes.len();
        reader.consume(count);
    }
}

/// Makes a package's version of upstream's: three numbers, and perhaps a pre-release behind a `-`.
fn of_text(text: &str) -> Option<String> {
    let (numbers, _) = text.split_once('-').unwrap_or((text, ""));
    let number = |part: &str| !part.is_empty() && part.len() < 5 && part.bytes().all(|byte| byte.is_ascii_digit());
    if numbers.split('.').count() != 3 || !numbers.split('.').all(number) {
        return None;
    }
    let version = text.replace('-', "~");
    PackageVersion::new(&version, "1").is_ok().then_some(version)
}

/// A search for versions, byte by byte.
#[derive(Default)]
struct Scan {
    /// What came since the last zero byte, up to one byte more than a version may have.
    word: Vec<u8>,
    /// Versions between zero bytes, at most two.
    words: Vec<String>,
    /// How much of [`NOTE`] came last.
    matched: usize,
    /// What follows it.
    note: Option<Vec<u8>>,
    noted: Option<String>,
}

impl Scan {
    fn pass(&mut self, byte: u8) {
        self.pass_word(byte);
        self.pass_note(byte);
    }

    fn pass_word(&mut self, byte: u8) {
        if byte != 0 {
            if self.word.len() <= LIMIT {
                self.word.push(byte);
            }
            return;
        }
        if let Some(version) = text_of(&self.word)
            && self.words.len() < 2
            && !self.words.contains(&version)
        {
            self.words.push(version);
        }
        self.word.clear();
    }

    fn pass_note(&mut self, byte: u8) {
        if let Some(mut note) = self.note.take() {
            let is_part = byte.is_ascii_alphanumeric() || b".-+~".contains(&byte);
            if is_part && note.len() < LIMIT {
                note.push(byte);
                self.note = Some(note);
            } else if self.noted.is_none() {
                self.noted = text_of(&note);
            }
        }
        // Its first letter comes nowhere else in it, so a match can only begin anew there.
        let next = if byte == NOTE[self.matched] { self.matched + 1 } else { usize::from(byte == NOTE[0]) };
        self.matched = next % NOTE.len();
        if next == NOTE.len() {
            self.note = Some(Vec::new());
        }
    }

    fn result(self) -> Option<String> {
        self.noted.or(match <[String; 1]>::try_from(self.words) {
            Ok([version]) => Some(version),
            Err(_) => None,
        })
    }
}

fn text_of(bytes: &[u8]) -> Option<String> {
    if bytes.len() > LIMIT { None } else { of_text(std::str::from_utf8(bytes).ok()?) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{of_name, of_program};

    #[test]
    fn the_name_of_an_archive_tells_the_version() {
        let version = |name: &str| of_name(Path::new(name));
        assert_eq!(version("/downloads/docker-26.1.5.tgz").as_deref(), Some("26.1.5"));
        assert_eq!(version("docker-29.0.0-rc.1.tgz").as_deref(), Some("29.0.0~rc.1"));
        for other in ["docker.tgz", "docker-rootless-extras-26.1.5.tgz", "docker-26.tgz", "docker-1.2.3"] {
            assert_eq!(version(other), None, "{other}");
        }
    }

    #[test]
    fn dockerd_tells_the_version() {
        let version = |bytes: &[u8]| of_program(bytes).expect("memory does not fail");
        assert_eq!(version(b"x\x00\x0026.1.5\0y\x0026.1.5\0").as_deref(), Some("26.1.5"));
        assert_eq!(version(b"\x001.2.3\0\x004.5.6\0"), None);
        assert_eq!(
            version(b"\x001.2.3\0\x004.5.6\0 -X \"ddockerversion.Version=28.3.0-rc.2\" ").as_deref(),
            Some("28.3.0~rc.2")
        );
        assert_eq!(version(b"no version here"), None);
        assert_eq!(version(&[b'1'; 5000]), None);
    }
}
