//! Completions and man pages, where an archive brings them.
//!
//! Upstream's have none; who packs an archive of his own lays them as docker's sources and Debian do: `completion/bash/docker`,
//! `man/man1/docker-run.1`.

use std::fs::File;
use std::io::Read;

use dam_pack::{Entry, Format, Role, deb};

use super::{only, text_file};
use crate::engine::{BuildError, EngineFile, Parts};

/// The longest page or completion, in bytes.
const LONGEST: u64 = 4 << 20;

/// Returns them, each in the place where shells and `man` look.
pub(super) fn entries(parts: &Parts) -> Result<Vec<Entry>, BuildError> {
    let mut entries = Vec::new();
    for file in parts.archive.files().iter().filter(|file| file.size <= LONGEST) {
        let words: Vec<&str> = file.name.split('/').collect();
        match words[..] {
            ["completion" | "completions", "bash", "docker" | "docker.bash"] => {
                entries.push(text_file("/usr/share/bash-completion/completions/docker", bytes(file)?, Role::Plain));
            }
            ["completion" | "completions", "zsh", "_docker"] => {
                let bytes = bytes(file)?;
                let debian = text_file("/usr/share/zsh/vendor-completions/_docker", bytes.clone(), Role::Plain);
                let others = text_file("/usr/share/zsh/site-functions/_docker", bytes, Role::Plain);
                entries.extend([only(Format::Deb, debian), only(Format::Rpm, others)]);
            }
            ["completion" | "completions", "fish", "docker.fish"] => {
                let place = "/usr/share/fish/vendor_completions.d/docker.fish";
                entries.push(text_file(place, bytes(file)?, Role::Plain));
            }
            ["man", section, page] if is_page(section, page) => {
                let place = format!("/usr/share/man/{section}/{page}.gz");
                entries.push(text_file(&place, deb::gzip(&bytes(file)?), Role::Doc));
            }
            _ => {}
        }
    }
    Ok(entries)
}

/// Tells whether a file is a page of a section: `docker-run.1` of `man1`.
fn is_page(section: &str, page: &str) -> bool {
    let section = section.strip_prefix("man").filter(|number| matches!(number, &("1" | "5" | "8")));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    page.bytes().all(plain) && section.is_some_and(|number| page.ends_with(&format!(".{number}")))
}

fn bytes(file: &EngineFile) -> Result<Vec<u8>, BuildError> {
    let mut bytes = Vec::new();
    let read = File::open(&file.path).and_then(|opened| opened.take(LONGEST).read_to_end(&mut bytes));
    read.map_err(BuildError::access(&file.path))?;
    Ok(bytes)
}
