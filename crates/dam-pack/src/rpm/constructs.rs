//! How an `.rpm` is made.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::rpm::parsed::Parsed;
use crate::rpm::tag;
use crate::sign::algorithms;
use crate::unpack::xz_shape;
use crate::{Compression, Construct};

/// Signatures of the header, and of header and payload.
const SIGNATURES: [u32; 4] = [267, tag::SIG_RSA, 1002, 1005];

/// Finds what old tools may stumble over. `start` are the first bytes of the payload.
pub(super) fn constructs(signatures: &Parsed, header: &Parsed, by: Compression, start: &[u8]) -> Vec<Construct> {
    let part = || "payload".to_owned();
    let (tags, bytes) = signatures.size();
    let mut found = vec![Construct::SignatureHeader { bytes, tags }, Construct::Compressed { part: part(), by }];
    if let Some(shape) = xz_shape(start).filter(|_| by == Compression::Xz) {
        found.push(Construct::XzMemory { part: part(), dictionary: shape.dictionary });
        found.extend(shape.filters.into_iter().map(|id| Construct::XzFilter { part: part(), id }));
    }
    let signed = |tag: u32| signatures.bytes(tag).map(|packet| Construct::Signature { tag, by: algorithms(packet) });
    found.extend(SIGNATURES.into_iter().filter_map(signed));
    found.extend(signatures.texts(tag::SIG_OPENPGP).map(|text| {
        let packet = STANDARD.decode(text).unwrap_or_default();
        Construct::Signature { tag: tag::SIG_OPENPGP, by: algorithms(&packet) }
    }));
    let has = |header: &Parsed, tag, of, by| (header.count(tag) > 0).then_some(Construct::Digest { of, by });
    found.extend(has(signatures, tag::SIG_SHA1, "header", "SHA1"));
    found.extend(has(signatures, tag::SIG_SHA256, "header", "SHA256"));
    found.extend(has(signatures, tag::SIG_MD5, "header and payload", "MD5"));
    found.extend(has(header, tag::PAYLOAD_DIGEST, "payload", "SHA256"));
    if header.count(tag::FILE_DIGESTS) > 0 {
        let by = match header.number(tag::FILE_DIGEST_ALGORITHM) {
            None | Some(1) => "MD5",
            Some(2) => "SHA1",
            Some(8) => "SHA256",
            Some(9) => "SHA384",
            Some(10) => "SHA512",
            Some(_) => "unknown",
        };
        found.push(Construct::Digest { of: "files", by });
    }
    if shares_inodes(header) {
        found.push(Construct::SharedInodes);
    }
    found
}

/// Names of one file, hard links, share an inode and a digest; only what is different files is a fault.
fn shares_inodes(header: &Parsed) -> bool {
    let digests: Vec<String> = header.texts(tag::FILE_DIGESTS).collect();
    let files = header.numbers(tag::FILE_DEVICES).zip(header.numbers(tag::FILE_INODES));
    let mut inodes = BTreeMap::new();
    let mut all = files.into_iter().enumerate();
    all.any(|(index, file)| {
        let digest = digests.get(index);
        *inodes.entry(file).or_insert(digest) != digest
    })
}
