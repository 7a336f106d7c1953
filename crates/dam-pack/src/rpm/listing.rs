//! What the metadata of a yum repository tell of a package beside its view: the headers' own numbers, uncut.

use crate::rpm::parsed::Parsed;
use crate::rpm::read::Whole;
use crate::rpm::tag::{self, sense};
use crate::sign::PublicKey;

/// What the metadata tell of a package. Texts and numbers that it does not have are empty and 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listing {
    pub(crate) epoch: u64,
    pub(crate) version: String,
    pub(crate) release: String,
    pub(crate) packager: String,
    pub(crate) url: String,
    pub(crate) license: String,
    pub(crate) vendor: String,
    pub(crate) group: String,
    pub(crate) build_host: String,
    pub(crate) source: String,
    /// Seconds since 1970, UTC.
    pub(crate) build_time: u64,
    /// Bytes of its files.
    pub(crate) installed: u64,
    /// Bytes of the payload, uncompressed.
    pub(crate) archive: u64,
    pub(crate) provides: Vec<Dependency>,
    pub(crate) requires: Vec<Dependency>,
    pub(crate) conflicts: Vec<Dependency>,
    pub(crate) obsoletes: Vec<Dependency>,
    pub(crate) suggests: Vec<Dependency>,
    pub(crate) enhances: Vec<Dependency>,
    pub(crate) recommends: Vec<Dependency>,
    pub(crate) supplements: Vec<Dependency>,
    /// What changed, newest first: who and which version, when, and the text.
    pub(crate) changes: Vec<(String, u64, String)>,
}

/// A dependency as it stands in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `LT`, `LE`, `EQ`, `GE`, `GT`, or nothing.
    pub(crate) flags: &'static str,
    /// `[epoch:]version[-release]`, or nothing.
    pub(crate) version: String,
    /// It must be there before the package's own scripts run.
    pub(crate) before: bool,
}

impl Whole {
    /// Reads the listing.
    pub(crate) fn listing(&self) -> Listing {
        let Self { header, signatures, .. } = self;
        let text = |tag| header.text(tag).unwrap_or_default();
        let number = |tag| header.number(tag).unwrap_or_default();
        let changes = header.texts(tag::CHANGE_NAMES).zip(header.numbers(tag::CHANGE_TIMES));
        let archive =
            [tag::SIG_PAYLOAD_SIZE, tag::SIG_LONG_PAYLOAD_SIZE].into_iter().find_map(|tag| signatures.number(tag));
        Listing {
            epoch: number(tag::EPOCH),
            version: text(tag::VERSION),
            release: text(tag::RELEASE),
            packager: text(tag::PACKAGER),
            url: text(tag::URL),
            license: text(tag::LICENSE),
            vendor: text(tag::VENDOR),
            group: text(tag::GROUP),
            build_host: text(tag::BUILD_HOST),
            source: text(tag::SOURCE_PACKAGE),
            build_time: number(tag::BUILD_TIME),
            installed: header.number(tag::LONG_SIZE).unwrap_or_else(|| number(tag::SIZE)),
            archive: archive.unwrap_or_else(|| number(tag::PAYLOAD_SIZE)),
            provides: dependencies(header, [tag::PROVIDE_NAMES, tag::PROVIDE_FLAGS, tag::PROVIDE_VERSIONS]),
            requires: dependencies(header, [tag::REQUIRE_NAMES, tag::REQUIRE_FLAGS, tag::REQUIRE_VERSIONS]),
            conflicts: dependencies(header, [tag::CONFLICT_NAMES, tag::CONFLICT_FLAGS, tag::CONFLICT_VERSIONS]),
            obsoletes: dependencies(header, [tag::OBSOLETE_NAMES, tag::OBSOLETE_FLAGS, tag::OBSOLETE_VERSIONS]),
            suggests: dependencies(header, [tag::SUGGEST_NAMES, tag::SUGGEST_FLAGS, tag::SUGGEST_VERSIONS]),
            enhances: dependencies(header, tag::ENHANCES),
            recommends: dependencies(header, [tag::RECOMMEND_NAMES, tag::RECOMMEND_FLAGS, tag::RECOMMEND_VERSIONS]),
            supplements: dependencies(header, tag::SUPPLEMENTS),
            changes: changes
                .zip(header.texts(tag::CHANGE_TEXTS))
                .map(|((name, time), text)| (name, time, text))
                .collect(),
        }
    }

    /// Returns where the header begins and ends, in bytes of the file.
    pub(crate) fn header_place(&self) -> (u64, u64) {
        (self.place.start, self.place.end)
    }

    /// Tells whether the owner of a key signed the header, where every rpm looks for it.
    pub(crate) fn is_signed_by(&self, key: &PublicKey) -> bool {
        self.signatures.bytes(tag::SIG_RSA).is_some_and(|packet| key.has_signed(self.header.raw(), packet))
    }
}

fn dependencies(header: &Parsed, [names, flags, versions]: [u32; 3]) -> Vec<Dependency> {
    const BEFORE: u64 = (sense::PREREQ | sense::PRE | sense::POST) as u64;
    let all = header.texts(names).zip(header.numbers(flags)).zip(header.texts(versions));
    let dependency =
        |((name, flags), version)| Dependency { name, flags: word(flags), version, before: flags & BEFORE != 0 };
    all.map(dependency).collect()
}

fn word(flags: u64) -> &'static str {
    match flags as u32 & (sense::LESS | sense::GREATER | sense::EQUAL) {
        2 => "LT",
        4 => "GT",
        8 => "EQ",
        10 => "LE",
        12 => "GE",
        _ => "",
    }
}
