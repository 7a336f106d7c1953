//! Debian's copyright file: <https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/>.

use crate::Package;

/// Whose some files are, and under which licence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    /// The files: `*`, `usr/bin/docker`.
    pub files: Vec<String>,
    /// Who has the rights: `2013-2026 Docker, Inc.`
    pub holders: Vec<String>,
    /// The licence's short name: `Apache-2.0`.
    pub license: String,
    /// The licence's text, or where it is.
    pub text: String,
}

/// Renders a copyright file that programs can read. The first of the rights should be those of all files; later ones
/// win.
pub fn copyright(package: &Package, rights: &[Rights]) -> String {
    let mut text = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n".to_owned();
    text.push_str(&format!("Upstream-Name: {}\n", package.name));
    package.homepage.iter().for_each(|homepage| text.push_str(&format!("Source: {homepage}\n")));
    for right in rights {
        text.push_str(&format!("\nFiles: {}\n", right.files.join("\n       ")));
        text.push_str(&format!("Copyright: {}\n", right.holders.join("\n           ")));
        text.push_str(&format!("License: {}\n", right.license));
        text.extend(right.text.trim_end().lines().map(|line| match line.trim_end() {
            "" => " .\n".to_owned(),
            line => format!(" {line}\n"),
        }));
    }
    text
}
