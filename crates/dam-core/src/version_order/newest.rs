//! Which tag of a repository is meant where none is given.

use super::{Key, Kind, Part, kind_of};
use crate::app::Version;

/// Finds the newest release among tags that come one by one, in any order; only the best so far is kept.
///
/// Repositories hold more than releases. Of what they hold, the best is, in this order: a release such as `3.6.20`; a bare
/// date or number of a commit beside which releases would have a dot; a pre-release; a word such as `latest` or `nightly`.
/// Of two releases that differ in a flavour only, such as `3.6.20` and `3.6.20-alpine`, it is the plain one.
#[derive(Debug, Clone, Default)]
pub struct Newest(Option<Version>);

impl Newest {
    /// Takes a tag into account. What is no tag, or is attached to an image, is left out.
    pub fn offer(&mut self, tag: &str) {
        let newer = |best: &Version| rank(tag) > rank(best.as_str());
        if !is_attachment(tag) && self.0.as_ref().is_none_or(newer) {
            self.0 = tag.parse().ok().or(self.0.take());
        }
    }

    /// Returns the newest of all that were offered.
    pub fn version(self) -> Option<Version> {
        self.0
    }
}

/// Tells whether a tag names no image of its own but what is attached to one: a signature, an attestation, a list of
/// materials, or the list of all that refers to it (`sha256-DIGEST.sig`, `.att`, `.sbom`, `sha256-DIGEST`).
///
/// Sources: <https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md>,
/// <https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema>.
pub fn is_attachment(tag: &str) -> bool {
    let algorithm = ["sha256-", "sha384-", "sha512-"].iter().find_map(|algorithm| tag.strip_prefix(algorithm));
    let hex = |text: &str| text.bytes().take_while(u8::is_ascii_hexdigit).count();
    // A referrers tag may be cut to 128 characters, the longest tag; nothing legible begins with 32 hexadecimal digits.
    algorithm.is_some_and(|digest| hex(digest) >= 32)
}

/// How good a tag is: by what it is, by its version without the flavour, plain or not, and by the whole order.
fn rank(tag: &str) -> (Nature, Key<'_>, bool, Key<'_>) {
    let plain = without_flavour(tag);
    (nature(tag), Key::of(plain), plain == tag, Key::of(tag))
}

/// What a tag is; the later variant is the better one.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Nature {
    Word,
    PreRelease,
    /// The date or the commit it was built from: alone it may be all there is, beside `3.20` it is no release.
    Build,
    Release,
}

fn nature(tag: &str) -> Nature {
    let key = Key::of(tag);
    let mut words = key.parts.iter();
    match key.numbered {
        false => Nature::Word,
        true if words.any(|part| matches!(part, Part::PreRelease(_))) => Nature::PreRelease,
        true if is_date(tag) || is_commit(tag) => Nature::Build,
        true => Nature::Release,
    }
}

/// `20240329`: year, month and day without a separator, as nightly builds are named.
fn is_date(tag: &str) -> bool {
    let within = |from: usize, to: usize, low: u8, high: u8| {
        tag.get(from..to).and_then(|text| text.parse::<u8>().ok()).is_some_and(|value| (low..=high).contains(&value))
    };
    let digits = tag.bytes().all(|byte| byte.is_ascii_digit());
    digits && tag.len() == 8 && within(0, 2, 19, 20) && within(4, 6, 1, 12) && within(6, 8, 1, 31)
}

/// `7f3a91c`: the abbreviated or whole number of a git commit that begins with a digit.
fn is_commit(tag: &str) -> bool {
    let hex = tag.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    hex && (7..=40).contains(&tag.len()) && tag.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Cuts a version before the first word that a separator sets off: `3.6.20-alpine3.9` has the flavour `alpine3.9`. A letter
/// right behind a number is a patch letter, and belongs to the version.
fn without_flavour(tag: &str) -> &str {
    let numbered = Key::of(tag).numbered;
    let mut before = None;
    for (at, c) in tag.char_indices() {
        if numbered && kind_of(c) == Kind::Letter && before == Some(Kind::Separator) {
            return tag[..at].trim_end_matches(|c| kind_of(c) == Kind::Separator);
        }
        before = Some(kind_of(c));
    }
    tag
}

#[cfg(test)]
mod tests {
    use super::{Newest, is_attachment};

    fn newest(tags: &str) -> Option<String> {
        let find = |tags: &mut dyn Iterator<Item = &str>| {
            let mut newest = Newest::default();
            tags.for_each(|tag| newest.offer(tag));
            newest.version().map(|version| version.to_string())
        };
        let found = find(&mut tags.split_whitespace());
        assert_eq!(find(&mut tags.split_whitespace().rev()), found, "the order of arrival does not matter: {tags}");
        found
    }

    #[test]
    fn the_newest_release_is_found() {
        for (tags, wanted) in [
            ("latest 3.6.20 3.6.9 3.6 3 nightly", "3.6.20"),
            ("1.9.0 1.10.0 v1.10.1", "v1.10.1"),
            ("1.0 1.1-rc1 1.1-beta 1.1.0-alpha.2 2.0-SNAPSHOT", "1.0"),
            ("3.6.20 3.6.20-alpine 3.6.20-alpine3.9 3.6.20-windowsservercore", "3.6.20"),
            ("3.6.20 3.6.21-alpine", "3.6.21-alpine"),
            ("1.0 1.0-1 1.0-2 1.0-2-slim", "1.0-2"),
            ("1.0.2 1.0.2k", "1.0.2k"),
            ("3.20 20240329 7f3a91c edge", "3.20"),
            ("20240328 20240329 latest", "20240329"),
            ("1 2 10", "10"),
            ("2.0-rc1 2.0-rc2 latest", "2.0-rc2"),
            ("edge latest", "latest"),
        ] {
            assert_eq!(newest(tags).as_deref(), Some(wanted), "{tags}");
        }
    }

    #[test]
    fn what_is_no_version_is_left_out() {
        let digest = "a".repeat(64);
        assert_eq!(newest(&format!("sha256-{digest}.sig sha256-{digest}")), None);
        assert_eq!(newest(&format!("1.0 sha256-{digest}.sig -bad bad/tag \u{1b}[2J9")).as_deref(), Some("1.0"));
        assert_eq!(newest(""), None);
        assert!(!is_attachment("sha256-tools"));
    }
}
