//! The metadata that yum, dnf and zypper read, as createrepo_c writes them:
//! <https://github.com/rpm-software-management/createrepo_c>.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::repo::draft::{Draft, Facts, GzipWriter, Release, access};
use crate::repo::xml::{attribute, element, text};
use crate::repo::{Listed, Progress, RepositoryError, read};
use crate::rpm::{self, Dependency, Listing, Whole};
use crate::sign::{PublicKey, Signer, detached};
use crate::{Format, KindView, PackageView, RoleView};

const FOLDER: &str = "repodata";
/// Changes of a package that are told, as createrepo_c does.
const MOST_CHANGES: usize = 10;

/// What yum wants, as far as it is written.
pub(super) struct Yum {
    packages: Vec<Listed>,
    /// One for each of [`PARTS`]; none without a package.
    parts: Vec<GzipWriter>,
}

/// Reads a package by its path below the folder, and returns what each part says of it.
pub(super) fn tell(
    folder: &Path,
    path: &str,
    key: Option<&PublicKey>,
    progress: &Progress<'_>,
) -> Result<(Listed, [String; PARTS.len()]), RepositoryError> {
    let file = folder.join(path);
    let (whole, facts) = read::package(&file, progress, |input| rpm::read_whole(input, &mut |_, _, _| Ok(())))?;
    let listing = whole.listing();
    let entry = Entry { path, facts: &facts, whole: &whole, listing: &listing };
    let texts = [entry.primary(), entry.file_list(), entry.other()];
    let signed = key.is_some_and(|key| whole.is_signed_by(key));
    let PackageView { name, version, architecture, .. } = whole.view;
    let (format, path, date) = (Format::Rpm, path.to_owned(), listing.build_time);
    let Facts { size, sha256, .. } = facts;
    Ok((Listed { path, format, name, version, architecture, size, sha256, signed, date }, texts))
}

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// Names of the parts, their root elements and the ends of their name spaces.
const PARTS: [(&str, &str, &str); 3] =
    [("primary", "metadata", "common"), ("filelists", "filelists", "filelists"), ("other", "otherdata", "other")];

impl Yum {
    /// Begins the parts, if there will be a package.
    pub(super) fn new(folder: &Path, count: usize) -> Result<Self, RepositoryError> {
        let mut parts = Vec::new();
        for (part, root, space) in PARTS.into_iter().filter(|_| count > 0) {
            let more = if part == "primary" { " xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\"" } else { "" };
            let mut writer = GzipWriter::new(folder)?;
            writer.write(format!(
                "{XML}<{root} xmlns=\"http://linux.duke.edu/metadata/{space}\"{more} packages=\"{count}\">\n"
            ))?;
            parts.push(writer);
        }
        Ok(Self { packages: Vec::new(), parts })
    }

    /// Adds a package.
    pub(super) fn add(&mut self, listed: Listed, texts: [String; PARTS.len()]) -> Result<(), RepositoryError> {
        self.packages.push(listed);
        self.parts.iter_mut().zip(texts).try_for_each(|(part, text)| part.write(text))
    }

    /// Returns what was added.
    pub(super) fn packages(&self) -> &[Listed] {
        &self.packages
    }

    /// Puts the files in their places: first those with digests in their names, at last `repomd.xml`, which names them.
    pub(super) fn release(
        self,
        release: &mut Release<'_>,
        date: u32,
        seal: Option<(&dyn Signer, &PublicKey)>,
    ) -> Result<(), RepositoryError> {
        let [index, signature, key] = ["", ".asc", ".key"].map(|ending| format!("{FOLDER}/repomd.xml{ending}"));
        let former = former(release.folder())?;
        if self.parts.is_empty() {
            [index, signature, key].into_iter().chain(former).for_each(|name| release.remove(name));
            return Ok(());
        }
        let mut parts = Vec::new();
        for ((part, root, _), mut writer) in PARTS.into_iter().zip(self.parts) {
            writer.write(format!("</{root}>"))?;
            let (draft, open) = writer.finish()?;
            parts.push((part, draft, open));
        }
        let text = repomd(&parts, date);
        let path = release.folder().join(&index);
        let signed = seal.map(|(signer, _)| detached(text.as_bytes(), signer, date)).transpose();
        let signed = signed.map_err(|source| RepositoryError::Sign { path, source })?;
        let mut names = BTreeSet::new();
        for (part, draft, _) in parts {
            let name = part_name(part, &draft.facts);
            names.insert(name.clone());
            release.put(name, draft);
        }
        release.put_or_remove(&key, seal.map(|(_, key)| key.armored()))?;
        release.put_or_remove(&signature, signed)?;
        release.put_text(&index, text)?;
        former.into_iter().filter(|name| !names.contains(name)).for_each(|name| release.remove(name));
        Ok(())
    }
}

fn part_name(part: &str, facts: &Facts) -> String {
    format!("{FOLDER}/{}-{part}.xml.gz", facts.sha256)
}

/// Finds the parts of a former run.
fn former(folder: &Path) -> Result<Vec<String>, RepositoryError> {
    let folder = folder.join(FOLDER);
    let Ok(entries) = fs::read_dir(&folder) else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(access(&folder))?.file_name().to_string_lossy().into_owned();
        let part = |digest: &str| digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        let ours = |end: &str| PARTS.iter().any(|(part, ..)| end.strip_suffix(".xml.gz") == Some(part));
        if name.split_once('-').is_some_and(|(digest, end)| part(digest) && ours(end)) {
            names.push(format!("{FOLDER}/{name}"));
        }
    }
    names.sort();
    Ok(names)
}

fn repomd(parts: &[(&str, Draft, Facts)], date: u32) -> String {
    let mut text = format!(
        "{XML}<repomd xmlns=\"http://linux.duke.edu/metadata/repo\" xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\">\n  \
         <revision>{date}</revision>\n"
    );
    for (part, draft, open) in parts {
        let Facts { size, sha256, .. } = &draft.facts;
        text += &format!(
            "  <data type=\"{part}\">\n    <checksum type=\"sha256\">{sha256}</checksum>\n    \
             <open-checksum type=\"sha256\">{}</open-checksum>\n    <location href=\"{}\"/>\n    \
             <timestamp>{date}</timestamp>\n    <size>{size}</size>\n    <open-size>{}</open-size>\n  </data>\n",
            open.sha256,
            part_name(part, &draft.facts),
            open.size
        );
    }
    text + "</repomd>\n"
}

/// A package that is put into words.
struct Entry<'a> {
    path: &'a str,
    facts: &'a Facts,
    whole: &'a Whole,
    listing: &'a Listing,
}

impl Entry<'_> {
    fn primary(&self) -> String {
        let Self { path, facts, whole, listing } = self;
        let view = &whole.view;
        let (start, end) = whole.header_place();
        let mut xml = "<package type=\"rpm\">\n".to_owned();
        xml += &element(2, "name", &view.name);
        xml += &element(2, "arch", &view.architecture);
        xml += &self.version();
        xml += &format!("  <checksum type=\"sha256\" pkgid=\"YES\">{}</checksum>\n", facts.sha256);
        for (name, value) in [
            ("summary", &view.summary),
            ("description", &view.description),
            ("packager", &listing.packager),
            ("url", &listing.url),
        ] {
            xml += &element(2, name, value);
        }
        // The time of the file would be that of its copy.
        xml += &format!("  <time file=\"{0}\" build=\"{0}\"/>\n", listing.build_time);
        let Listing { installed, archive, .. } = listing;
        xml += &format!("  <size package=\"{}\" installed=\"{installed}\" archive=\"{archive}\"/>\n", facts.size);
        xml += &format!("  <location href=\"{}\"/>\n  <format>\n", attribute(path));
        for (name, value) in [
            ("license", &listing.license),
            ("vendor", &listing.vendor),
            ("group", &listing.group),
            ("buildhost", &listing.build_host),
            ("sourcerpm", &listing.source),
        ] {
            xml += &element(4, &format!("rpm:{name}"), value);
        }
        xml += &format!("    <rpm:header-range start=\"{start}\" end=\"{end}\"/>\n");
        self.dependencies(&mut xml);
        self.files(&mut xml, 4, is_primary);
        xml + "  </format>\n</package>\n"
    }

    fn file_list(&self) -> String {
        let mut xml = self.head();
        self.files(&mut xml, 2, |_| true);
        xml + "</package>\n"
    }

    fn other(&self) -> String {
        let mut xml = self.head();
        let newest = self.listing.changes.iter().take(MOST_CHANGES).rev();
        newest.for_each(|(author, time, change)| {
            let author = attribute(author);
            xml += &format!("  <changelog author=\"{author}\" date=\"{time}\">{}</changelog>\n", text(change));
        });
        xml + "</package>\n"
    }

    fn head(&self) -> String {
        let (view, digest) = (&self.whole.view, &self.facts.sha256);
        let [name, architecture] = [&view.name, &view.architecture].map(|text| attribute(text));
        format!("<package pkgid=\"{digest}\" name=\"{name}\" arch=\"{architecture}\">\n{}", self.version())
    }

    fn version(&self) -> String {
        let Listing { epoch, version, release, .. } = self.listing;
        let [version, release] = [version, release].map(|text| attribute(text));
        format!("  <version epoch=\"{epoch}\" ver=\"{version}\" rel=\"{release}\"/>\n")
    }

    fn dependencies(&self, xml: &mut String) {
        let Listing { provides, conflicts, obsoletes, suggests, enhances, recommends, supplements, .. } = self.listing;
        let requires = self.requires();
        for (name, list) in [
            ("provides", provides),
            ("requires", &requires),
            ("conflicts", conflicts),
            ("obsoletes", obsoletes),
            ("suggests", suggests),
            ("enhances", enhances),
            ("recommends", recommends),
            ("supplements", supplements),
        ] {
            if !list.is_empty() {
                let entries: String = list.iter().map(entry).collect();
                *xml += &format!("    <rpm:{name}>\n{entries}    </rpm:{name}>\n");
            }
        }
    }

    /// What others must bring: neither rpm itself nor the package, each once.
    fn requires(&self) -> Vec<Dependency> {
        let Listing { requires, provides, .. } = self.listing;
        let provided: BTreeSet<_> = provides.iter().map(identity).collect();
        let files: BTreeSet<_> = self.whole.view.entries.iter().map(|entry| entry.path.as_str()).collect();
        let mut places = BTreeMap::new();
        let mut all: Vec<Dependency> = Vec::new();
        for needed in requires {
            let own = provided.contains(&identity(needed)) || files.contains(needed.name.as_str());
            if own || needed.name.starts_with("rpmlib(") {
                continue;
            }
            let place = *places.entry(identity(needed)).or_insert(all.len());
            match all.get_mut(place) {
                Some(known) => known.before |= needed.before,
                None => all.push(needed.clone()),
            }
        }
        all
    }

    fn files(&self, xml: &mut String, indent: usize, wanted: fn(&str) -> bool) {
        for entry in self.whole.view.entries.iter().filter(|entry| wanted(&entry.path)) {
            let kind = match (&entry.kind, entry.role) {
                (KindView::Folder, _) => " type=\"dir\"",
                (_, RoleView::Ghost) => " type=\"ghost\"",
                _ => "",
            };
            *xml += &format!("{:indent$}<file{kind}>{}</file>\n", "", text(&entry.path));
        }
    }
}

fn identity(dependency: &Dependency) -> (&str, &str, &str) {
    (&dependency.name, dependency.flags, &dependency.version)
}

/// Files by which packages ask for others; the rest is looked up elsewhere.
fn is_primary(path: &str) -> bool {
    path.starts_with("/etc/") || path == "/usr/lib/sendmail" || path.contains("bin/")
}

fn entry(dependency: &Dependency) -> String {
    let Dependency { name, flags, version, before } = dependency;
    let mut xml = format!("      <rpm:entry name=\"{}\"", attribute(name));
    if !flags.is_empty() {
        let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
        let (version, release) = rest.rsplit_once('-').unwrap_or((rest, ""));
        xml += &format!(" flags=\"{flags}\" epoch=\"{}\" ver=\"{}\"", attribute(epoch), attribute(version));
        if !release.is_empty() {
            xml += &format!(" rel=\"{}\"", attribute(release));
        }
    }
    xml + if *before { " pre=\"1\"/>\n" } else { "/>\n" }
}
