//! Rules of `.rpm`.

use std::collections::BTreeSet;

use crate::check::{Fault, Rule, unknown_filters};
use crate::targets::{Profile, Rpm};
use crate::{Compression, Construct, PackageView};

/// Tags of signatures that only rpm 6 reads.
const NEW_SIGNATURE: u32 = 278;
/// Tags of signatures of header and payload together.
const WHOLE_SIGNATURES: [u32; 2] = [1002, 1005];

/// Finds what an rpm cannot read.
pub(super) fn faults(view: &PackageView, rpm: &Rpm, profile: &Profile) -> BTreeSet<Fault> {
    let mut faults: BTreeSet<Fault> =
        view.constructs.iter().flat_map(|construct| construct_faults(construct, rpm)).collect();
    faults.extend(unknown_filters(view, Rule::RpmFilter, profile));
    faults.extend(digests(view, rpm));
    faults.extend(relations(view, rpm));
    faults.extend(script_places(view, rpm));
    if rpm.wants_signature.value && !is_signed(view, rpm) {
        faults.insert(Fault::new(Rule::Unsigned, "package", "it is not signed, and rpm takes none that is not"));
    }
    faults
}

fn construct_faults(construct: &Construct, rpm: &Rpm) -> Vec<Fault> {
    let version = rpm.version.value;
    let mut faults = Vec::new();
    match construct {
        Construct::Compressed { part, by: Compression::Zstd } if !rpm.zstd.value => {
            faults.push(Fault::new(Rule::Payload, format!("{part} of Zstandard"), ZSTD));
        }
        Construct::XzMemory { part, dictionary } if dictionary.saturating_add(OVERHEAD) > rpm.most_memory() => {
            let what = format!("{part} with an xz dictionary of {} MiB", dictionary >> 20);
            faults.push(Fault::new(Rule::Memory, what, "rpm gives its decoder 100 MiB"));
        }
        Construct::SignatureHeader { bytes, tags } => {
            let is_large = |(most_bytes, most_tags)| *bytes > most_bytes || *tags > most_tags;
            if rpm.most_signature().is_some_and(is_large) {
                let what = format!("signature header of {bytes} bytes and {tags} tags");
                faults.push(Fault::new(Rule::SignatureHeader, what, "rpm before 4.15 reads 8192 bytes and 32 tags"));
            }
        }
        Construct::Signature { tag, by } => faults.extend(signature(*tag, by, rpm)),
        Construct::SharedInodes if !version.is_at_least("4.14") => {
            let why = "rpm before 4.14 gives both the content of one";
            faults.push(Fault::new(Rule::SharedInodes, "files with one inode", why));
        }
        _ => {}
    }
    faults
}

const ZSTD: &str = "rpm reads it since 4.14, where it is built in";
const ZSTD_FEATURE: &str = "rpmlib(PayloadIsZstd)";

/// What liblzma's decoder needs beside its dictionary; `xz -9` with its 64 MiB needs 65.
const OVERHEAD: u64 = 1 << 20;

fn signature(tag: u32, by: &str, rpm: &Rpm) -> Vec<Fault> {
    let version = rpm.version.value;
    let (key, hash) = by.split_once('/').unwrap_or((by, ""));
    let what = || format!("signature {by} in tag {tag}");
    let mut faults = Vec::new();
    // Old ones do not know this tag, and take no notice.
    if tag == NEW_SIGNATURE && !version.is_at_least("6.0") {
        return faults;
    }
    if matches!(key, "ECDSA" | "EdDSA") && !version.is_at_least("4.16") {
        faults.push(Fault::new(Rule::Signature, what(), "rpm checks curves since 4.16, and RSA always"));
    }
    if key == "unknown" && tag != NEW_SIGNATURE {
        faults.push(Fault::new(Rule::Signature, what(), "no rpm is known to check it"));
    }
    if WHOLE_SIGNATURES.contains(&tag) && hash != "MD5" && !version.is_at_least("4.12") {
        faults.push(Fault::new(Rule::Signature, what(), "rpm 4.11 checks header and payload together only with MD5"));
    }
    if matches!(hash, "SHA1" | "MD5") && rpm.refuses_sha1.value {
        faults.push(Fault::new(Rule::WeakSignature, what(), "SHA-1 and MD5 are refused"));
    }
    faults
}

/// Says whether it has a signature that this rpm looks at.
fn is_signed(view: &PackageView, rpm: &Rpm) -> bool {
    let reads = |tag: u32| tag != NEW_SIGNATURE || rpm.version.value.is_at_least("6.0");
    view.constructs.iter().any(|construct| match construct {
        Construct::Signature { tag, .. } => reads(*tag),
        _ => false,
    })
}

fn digests(view: &PackageView, rpm: &Rpm) -> Vec<Fault> {
    let has = |part: &str, good: &[&str]| {
        view.constructs.iter().any(|construct| match construct {
            Construct::Digest { of, by } => *of == part && good.contains(by),
            _ => false,
        })
    };
    let mut faults = Vec::new();
    let version = rpm.version.value;
    if version.is_at_least("4.14") {
        let why = "in FIPS mode rpm wants one that is not MD5";
        if !has("header", &["SHA1", "SHA256"]) {
            faults.push(Fault::new(Rule::Digest, "header without a digest", why));
        }
        if !has("payload", &["SHA256"]) {
            faults.push(Fault::new(Rule::Digest, "payload without a digest", why));
        }
        if has("files", &["MD5"]) {
            faults.push(Fault::new(Rule::Digest, "files with digests by MD5", why));
        }
    }
    if version.is_at_least("6.0") && has("header", &["SHA1"]) && !has("header", &["SHA256"]) {
        faults.push(Fault::new(Rule::WeakDigest, "header with SHA-1 alone", "rpm 6 looks at neither SHA-1 nor MD5"));
    }
    faults
}

fn relations(view: &PackageView, rpm: &Rpm) -> Vec<Fault> {
    let version = rpm.version.value;
    let mut faults = Vec::new();
    let caret = |what: String| Fault::new(Rule::Caret, what, "rpm compares a caret since 4.15");
    let reads_caret = version.is_at_least("4.15");
    if view.version.contains('^') && !reads_caret {
        faults.push(caret(format!("version `{}`", view.version)));
    }
    for (kind, relation) in view.relations.iter().flat_map(|(kind, all)| all.iter().map(move |one| (*kind, one))) {
        // What is unknown of weak dependencies is skipped with them, see `reads_weak_dependencies`.
        if kind.is_weak() && !rpm.reads_weak_dependencies() {
            continue;
        }
        if relation.starts_with('(') && !version.is_at_least("4.13") {
            faults.push(Fault::new(Rule::RichRelation, format!("relation `{relation}`"), "rpm reads it since 4.13"));
        }
        if relation.split_whitespace().skip(1).any(|word| word.contains('^')) && !reads_caret {
            faults.push(caret(format!("relation `{relation}`")));
        }
        let name = relation.split_whitespace().next().unwrap_or_default();
        if let Some(since) = feature(name) {
            let why = match since {
                Some(since) if version.is_at_least(since) && (name != ZSTD_FEATURE || rpm.zstd.value) => continue,
                Some(_) if name == ZSTD_FEATURE => ZSTD.to_owned(),
                Some(since) => format!("rpm has it since {since}"),
                None => "no rpm is known to have it".to_owned(),
            };
            faults.push(Fault::new(Rule::Feature, format!("relation `{relation}`"), why));
        }
    }
    faults
}

/// Returns since when rpm has the feature that a relation names; nothing if it names none, none if no version has it.
fn feature(name: &str) -> Option<Option<&'static str>> {
    Some(match name.strip_prefix("rpmlib(")?.strip_suffix(')')? {
        "VersionedDependencies"
        | "CompressedFileNames"
        | "PayloadIsBzip2"
        | "PayloadIsXz"
        | "PayloadIsLzma"
        | "PayloadFilesHavePrefix"
        | "ExplicitPackageProvide"
        | "HeaderLoadSortsTags"
        | "ScriptletInterpreterArgs"
        | "PartialHardlinkSets"
        | "ConcurrentAccess"
        | "BuiltinLuaScripts"
        | "FileDigests"
        | "FileCaps"
        | "ScriptletExpansion"
        | "TildeInVersions" => Some("4.11"),
        "LargeFiles" => Some("4.12"),
        // 4.12's sources know them, its list of features does not.
        "RichDependencies" => Some("4.13"),
        "PayloadIsZstd" => Some("4.14"),
        "DynamicBuildRequires" | "CaretInVersions" => Some("4.15"),
        _ => None,
    })
}

fn script_places(view: &PackageView, rpm: &Rpm) -> Vec<Fault> {
    let version = rpm.version.value;
    let mut faults = Vec::new();
    for script in &view.scripts {
        let what = format!("script `{}`", script.place);
        if script.interpreter.split_whitespace().next() == Some("<lua>") {
            faults.push(Fault::new(Rule::Lua, what.clone(), "rpm's Lua differs from version to version"));
        }
        let since = match script.place.split_whitespace().next().unwrap_or_default() {
            "preuntrans" | "postuntrans" => "4.19",
            place if place.starts_with("filetrigger") || place.starts_with("transfiletrigger") => "4.13",
            _ => continue,
        };
        if !version.is_at_least(since) {
            faults.push(Fault::new(Rule::ScriptPlace, what, format!("rpm runs it since {since}")));
        }
    }
    faults
}
