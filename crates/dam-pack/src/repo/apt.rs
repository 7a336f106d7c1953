//! The metadata that apt reads: <https://wiki.debian.org/DebianRepository/Format#Flat_Repository_Format>.

use std::collections::BTreeSet;
use std::path::Path;

use crate::deb::{self, mail_date};
use crate::repo::draft::{Facts, GzipWriter, Release, Writer};
use crate::repo::{Listed, Progress, RepositoryError, read};
use crate::sign::{SignError, Signer, clear_signed, detached};
use crate::{Format, PackageView, RelationKind};

/// What apt wants, as far as it is written.
pub(super) struct Apt {
    packages: Vec<Listed>,
    /// `Packages`, and `Packages.gz`; none without a package.
    indexes: Option<(Writer, GzipWriter)>,
}

/// Reads a package by its path below the folder, and returns its paragraph.
pub(super) fn tell(folder: &Path, path: &str, progress: &Progress<'_>) -> Result<(Listed, String), RepositoryError> {
    let file = folder.join(path);
    let (view, facts) = read::package(&file, progress, |input| deb::read(input, &mut |_, _, _| Ok(())))?;
    let stanza = stanza(&view, path, &facts).map_err(|(what, text)| {
        let text = text.escape_debug().to_string();
        RepositoryError::Unlistable { path: file.clone(), what, text }
    })?;
    let listed = Listed {
        path: path.to_owned(),
        format: Format::Deb,
        date: view.entries.iter().map(|entry| entry.time).max().unwrap_or_default(),
        name: view.name,
        version: view.version,
        architecture: view.architecture,
        size: facts.size,
        sha256: facts.sha256,
        signed: false,
    };
    Ok((listed, stanza))
}

impl Apt {
    /// Begins the lists, if there will be a package.
    pub(super) fn new(folder: &Path, count: usize) -> Result<Self, RepositoryError> {
        let indexes = (count > 0).then(|| Ok((Writer::new(folder)?, GzipWriter::new(folder)?)));
        Ok(Self { packages: Vec::new(), indexes: indexes.transpose()? })
    }

    /// Adds a package.
    pub(super) fn add(&mut self, listed: Listed, stanza: &str) -> Result<(), RepositoryError> {
        self.packages.push(listed);
        let (plain, compressed) = self.indexes.as_mut().expect("it was begun for packages");
        plain.write(stanza)?;
        compressed.write(stanza)
    }

    /// Returns what was added.
    pub(super) fn packages(&self) -> &[Listed] {
        &self.packages
    }

    /// Puts the files in their places: `InRelease`, which apt asks for first, comes last.
    pub(super) fn release(
        self,
        release: &mut Release<'_>,
        date: u32,
        signer: Option<&dyn Signer>,
    ) -> Result<(), RepositoryError> {
        let Some((plain, compressed)) = self.indexes else {
            for name in ["InRelease", "Release.gpg", "Release", "Packages.gz", "Packages"] {
                release.remove(name);
            }
            return Ok(());
        };
        let (plain, (compressed, _)) = (plain.finish()?, compressed.finish()?);
        let architectures: BTreeSet<_> = self.packages.iter().map(|package| package.architecture.as_str()).collect();
        let text =
            release_text(date, &architectures, &[("Packages", &plain.facts), ("Packages.gz", &compressed.facts)]);
        let path = release.folder().join("Release");
        let fault = |source: SignError| RepositoryError::Sign { path: path.clone(), source };
        let signature = signer.map(|signer| detached(text.as_bytes(), signer, date)).transpose().map_err(fault)?;
        let signed = signer.map(|signer| clear_signed(&text, signer, date)).transpose().map_err(fault)?;
        release.put("Packages", plain);
        release.put("Packages.gz", compressed);
        release.put_or_remove("Release.gpg", signature)?;
        if signed.is_none() {
            // It would be asked for before the other.
            release.remove("InRelease");
        }
        release.put_text("Release", text)?;
        signed.map_or(Ok(()), |signed| release.put_text("InRelease", signed))
    }
}

/// There is no `Valid-Until`: a clock without a network would end the repository.
fn release_text(date: u32, architectures: &BTreeSet<&str>, files: &[(&str, &Facts)]) -> String {
    let architectures = architectures.iter().copied().collect::<Vec<_>>().join(" ");
    let date = mail_date(date).replace("+0000", "UTC");
    let mut text = format!(
        "Origin: dam\nLabel: dam\nSuite: dam\nCodename: dam\nDate: {date}\nArchitectures: {architectures}\n\
         Description: Packages for machines without internet\n"
    );
    type Digest = fn(&Facts) -> &str;
    let digests: [(&str, Digest); 2] = [("MD5Sum", |facts| &facts.md5), ("SHA256", |facts| &facts.sha256)];
    for (name, digest) in digests {
        text += &format!("{name}:\n");
        files.iter().for_each(|(file, facts)| text += &format!(" {} {} {file}\n", digest(facts), facts.size));
    }
    text
}

/// What the list itself says of a package; a package that says so of itself is not heard.
const OWN: [&str; 10] =
    ["Filename", "Size", "MD5sum", "SHA1", "SHA256", "SHA512", "Description-md5", "Status", "Conffiles", "triggers"];

/// Relations in the order of Debian's own lists.
const RELATIONS: [(&str, RelationKind); 9] = [
    ("Pre-Depends", RelationKind::PreDepends),
    ("Depends", RelationKind::Depends),
    ("Recommends", RelationKind::Recommends),
    ("Suggests", RelationKind::Suggests),
    ("Enhances", RelationKind::Enhances),
    ("Conflicts", RelationKind::Conflicts),
    ("Breaks", RelationKind::Breaks),
    ("Provides", RelationKind::Provides),
    ("Replaces", RelationKind::Replaces),
];

/// Renders the paragraph of a package, with the empty line behind it. The fault is what cannot stand in a list, and its text.
fn stanza(view: &PackageView, path: &str, facts: &Facts) -> Result<String, (&'static str, String)> {
    let mut text = String::new();
    let identity = [("Package", "name", &view.name), ("Version", "version", &view.version)];
    for (field, what, value) in identity.into_iter().chain([("Architecture", "architecture", &view.architecture)]) {
        // dpkg refuses such a package, and in a list it would be two, or none.
        if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err((what, value.clone()));
        }
        text += &format!("{field}: {value}\n");
    }
    let mut field = |name: &str, value: &str| text += &format!("{name}: {}\n", folded(value));
    for (name, value) in view.fields.iter().filter(|(name, _)| !OWN.iter().any(|own| own.eq_ignore_ascii_case(name))) {
        field(name, value);
    }
    for (name, kind) in RELATIONS {
        let relations = view.relations(kind);
        if !relations.is_empty() {
            field(name, &relations.join(", "));
        }
    }
    field("Filename", &format!("./{path}"));
    field("Size", &facts.size.to_string());
    field("MD5sum", &facts.md5);
    field("SHA256", &facts.sha256);
    let description = [view.summary.as_str(), &view.description].join("\n");
    field("Description", description.trim_end());
    text.push('\n');
    Ok(text)
}

/// Lines behind the first are continued, so that none ends the paragraph or begins a field.
fn folded(value: &str) -> String {
    let lines = value.split('\n').map(|line| line.trim_end()).enumerate();
    let lines = lines.map(|(at, line)| match line {
        "" if at > 0 => ".",
        line => line,
    });
    lines.collect::<Vec<_>>().join("\n ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};

    use super::folded;

    #[test]
    fn values_are_folded_as_debian_does() {
        assert_eq!(folded("short\nlong\n\n kept "), "short\n long\n .\n  kept");
        assert_eq!(folded(""), "");
    }

    proptest! {
        #[test]
        fn no_line_begins_a_field(value in "(?s)[ \tA-C:.\n\r-]{0,60}") {
            let text = format!("Field: {}\n", folded(&value));
            prop_assert!(text.lines().skip(1).all(|line| line.starts_with(' ') && !line.trim().is_empty()), "{text:?}");
        }
    }
}
