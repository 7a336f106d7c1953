//! The whole package: lead, signature header, header, payload.

use std::fs::Permissions;
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use md5::{Digest, Md5};
use sha2::Sha256;

use crate::rpm::dependencies::{self, full_version};
use crate::rpm::files::too_large;
use crate::rpm::header::{Header, Value};
use crate::rpm::measured::hex;
use crate::rpm::payload::{self, Payload};
use crate::rpm::{describe, files, lead, scripts, tag};
use crate::sign::{Kind, Signer, Unsigned};
use crate::{Entry, Package, Progress, WriteError};

/// The most data of a signature header that rpm before 4.15 reads, in bytes
/// (<https://github.com/rpm-software-management/rpm/blob/rpm-4.11.x/lib/signature.c>).
const MOST_SIGNATURE: usize = 8192;

/// Writes a package as an `.rpm` of format 4 for rpm 4.11 and newer.
///
/// The payload lies compressed in a file without a name beside `path` until its digest is known; the package appears
/// whole or not at all. The same package gives the same bytes, and with a [`SecretKey`](crate::sign::SecretKey) the same
/// signature. `progress` is told how many bytes of contents have been packed.
///
/// Format: <https://rpm-software-management.github.io/rpm/manual/format_v4.html>.
pub fn write(
    package: &Package,
    path: &Path,
    signer: Option<&dyn Signer>,
    progress: &mut Progress<'_>,
) -> Result<(), WriteError> {
    let fault = |source| WriteError::Output { path: path.to_owned(), source };
    let files = files::files(package)?;
    let mut payload = payload::pack(&files, package, path, progress)?;
    let header = header(package, &files, &payload)?;
    let mut signatures = digests(&header, &payload)?;
    signatures.set(tag::SIG_MD5, Value::Binary(md5(&header, &mut payload).map_err(fault)?));
    if let Some(signer) = signer {
        sign(&mut signatures, &header, signer, package.source_date)?;
    }
    let mut signatures = signatures.to_bytes(tag::SIGNATURES);
    check_size(&signatures)?;
    signatures.resize(signatures.len().next_multiple_of(8), 0);

    let label = format!("{}-{}", package.name, full_version(package));
    let lead = lead::lead(&label, package.architecture);
    assemble(&[&lead, &signatures, &header], &mut payload, path).map_err(fault)
}

fn header(package: &Package, files: &[&Entry], payload: &Payload) -> Result<Vec<u8>, WriteError> {
    let mut header = Header::default();
    describe::describe(&mut header, package);
    files::describe(&mut header, files, &payload.seen, package.source_date)?;
    dependencies::describe(&mut header, package, files);
    scripts::describe(&mut header, &package.scripts);
    header.text(tag::PAYLOAD_FORMAT, "cpio");
    header.text(tag::PAYLOAD_COMPRESSOR, "xz");
    header.text(tag::PAYLOAD_FLAGS, "6");
    header.texts(tag::PAYLOAD_DIGEST, [&payload.digest]);
    header.numbers(tag::PAYLOAD_DIGEST_ALGORITHM, [tag::SHA256]);
    header.texts(tag::PLAIN_PAYLOAD_DIGEST, [&payload.plain_digest]);
    match header.broken_text() {
        Some(text) => Err(WriteError::Description(format!("{text:?} holds a NUL, which an .rpm cannot"))),
        None => Ok(header.to_bytes(tag::IMMUTABLE)),
    }
}

/// All but the MD5 of what any rpm looks for: 4.11 looks for MD5 and SHA-1, and where these are forbidden SHA-256 is left.
fn digests(header: &[u8], payload: &Payload) -> Result<Header, WriteError> {
    let counted = |size| u32::try_from(size).map_err(|_| too_large(format_args!("the package")));
    let sha1 = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, header);
    let mut signatures = Header::default();
    signatures.text(tag::SIG_SHA1, hex(sha1.as_ref()));
    signatures.text(tag::SIG_SHA256, hex(&Sha256::digest(header)));
    signatures.numbers(tag::SIG_SIZE, [counted(header.len() as u64 + payload.size)?]);
    signatures.numbers(tag::SIG_PAYLOAD_SIZE, [counted(payload.plain_size)?]);
    Ok(signatures)
}

fn md5(header: &[u8], payload: &mut Payload) -> io::Result<Vec<u8>> {
    let mut md5 = Md5::new_with_prefix(header);
    each_part(payload, |part| {
        md5.update(part);
        Ok(())
    })?;
    Ok(md5.finalize().to_vec())
}

/// Signs the header, which holds the digest of the payload. rpm 4.11 reads a signature of both only with MD5.
fn sign(signatures: &mut Header, header: &[u8], signer: &dyn Signer, source_date: u32) -> Result<(), WriteError> {
    let unsigned = Unsigned { bytes: header, kind: Kind::Binary, not_before: source_date };
    let signature = signer.sign(&unsigned).map_err(WriteError::Sign)?;
    signatures.set(tag::SIG_RSA, Value::Binary(signature.as_bytes().to_owned()));
    signatures.texts(tag::SIG_OPENPGP, [signature.base64()]);
    Ok(())
}

/// Looks at the data alone, as old rpm does. Its other limit, 32 tags, is far.
fn check_size(signatures: &[u8]) -> Result<(), WriteError> {
    let size = u32::from_be_bytes(signatures[12..16].try_into().expect("four bytes")) as usize;
    if size <= MOST_SIGNATURE {
        return Ok(());
    }
    let fault = format!("its signature needs {size} bytes, and rpm before 4.15 reads {MOST_SIGNATURE}");
    Err(WriteError::Description(fault))
}

fn assemble(parts: &[&[u8]], payload: &mut Payload, path: &Path) -> io::Result<()> {
    // The umask says who may read it.
    let mut builder = tempfile::Builder::new();
    let mut file = builder.permissions(Permissions::from_mode(0o666)).tempfile_in(payload::folder(path))?;
    parts.iter().try_for_each(|part| file.write_all(part))?;
    each_part(payload, |part| file.write_all(part))?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn each_part(payload: &mut Payload, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    payload.file.rewind()?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match payload.file.read(&mut buffer)? {
            0 => return Ok(()),
            count => each(&buffer[..count])?,
        }
    }
}
