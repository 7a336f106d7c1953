//! What a package is, as tags.

use crate::rpm::header::{Header, Value};
use crate::rpm::tag;
use crate::{Change, Format, Package};

/// The host in every package: the real one would make two builds differ.
const HOST: &str = "localhost";

/// Writes name, texts and changelog.
pub(super) fn describe(header: &mut Header, package: &Package) {
    let architecture = package.architecture.name(Format::Rpm);
    header.texts(tag::LOCALES, ["C"]);
    header.text(tag::NAME, package.name.as_str());
    header.text(tag::VERSION, package.version.upstream());
    header.text(tag::RELEASE, package.version.release());
    header.numbers(tag::EPOCH, (package.epoch != 0).then_some(package.epoch));
    header.set(tag::SUMMARY, Value::Translated(vec![package.summary.clone()]));
    header.set(tag::DESCRIPTION, Value::Translated(vec![package.description.trim_end().to_owned()]));
    header.set(tag::GROUP, Value::Translated(vec!["Unspecified".to_owned()]));
    header.numbers(tag::BUILD_TIME, [package.source_date]);
    header.text(tag::BUILD_HOST, HOST);
    header.text(tag::COOKIE, format!("{HOST} {}", package.source_date));
    header.text(tag::LICENSE, &package.license);
    header.text(tag::PACKAGER, &package.maintainer);
    package.vendor.iter().for_each(|vendor| header.text(tag::VENDOR, vendor));
    package.homepage.iter().for_each(|homepage| header.text(tag::URL, homepage));
    header.text(tag::OS, "linux");
    header.text(tag::ARCHITECTURE, architecture);
    header.text(tag::PLATFORM, format!("{architecture}-unknown-linux"));
    // A package without this tag is taken for a source package.
    header.text(tag::SOURCE_PACKAGE, format!("{}-{}.src.rpm", package.name, package.version));
    // Without the whole version, a mended dam builds the same package.
    header.text(tag::RPM_VERSION, concat!("dam ", env!("CARGO_PKG_VERSION_MAJOR")));
    header.text(tag::ENCODING, "utf-8");
    describe_changes(header, package);
}

fn describe_changes(header: &mut Header, package: &Package) {
    let lines = |change: &Change| change.lines.iter().map(|line| format!("- {line}")).collect::<Vec<_>>().join("\n");
    let changes = &package.changelog;
    header.numbers(tag::CHANGE_TIMES, changes.iter().map(|change| change.date));
    header
        .texts(tag::CHANGE_NAMES, changes.iter().map(|change| format!("{} - {}", package.maintainer, change.version)));
    header.texts(tag::CHANGE_TEXTS, changes.iter().map(lines));
}
