//! Tars: the same bytes read by both doors must be the same files.

use std::io::Read;

use dam_oci::archive::{Member, Members, stream};
use dam_oci::{Compression, Digest};
use tar::{EntryType, Header};

use super::with_file;

/// The most members whose content is read again: one of a compressed tar is reached by reading from the front.
const READ_LIMIT: usize = 20;

/// Reads the bytes as a tar: as they are, with the checksums of all headers mended, and as the content of an extended
/// header.
pub(super) fn tar_head(data: &[u8]) {
    compare(data);
    compare(&mended(data));
    compare(&extended(data));
}

/// A file of a tar: its name, its length and the digest of its content; only the name for a link.
type File = (String, Option<(u64, Digest)>);

fn compare(tar: &[u8]) {
    let streamed = streamed(tar);
    with_file(tar, |path| {
        let Ok(members) = Members::open(path) else { return };
        if members.compression() == Compression::None {
            let files = streamed.expect("readable as a file, and not as a stream");
            let files: Vec<_> = files.iter().filter_map(|(name, file)| Some((&**name, (*file)?))).collect();
            assert!(members.list().eq(files.iter().map(|(name, (size, _))| (*name, *size))));
            for (name, (_, digest)) in files {
                assert_eq!(content(&members, name), digest, "{name}");
            }
        } else {
            for (name, _) in members.list().take(READ_LIMIT) {
                content(&members, name);
            }
        }
    });
}

fn streamed(tar: &[u8]) -> dam_oci::Result<Vec<File>> {
    let mut files = Vec::new();
    stream("a tar", tar, &mut |member| {
        let (name, file) = match member {
            Member::Link { name, target } => {
                assert_clean(target);
                (name, None)
            }
            Member::File { name, size, content, .. } => {
                let mut bytes = Vec::new();
                content.read_to_end(&mut bytes).map_err(dam_oci::Error::stream(name))?;
                assert_eq!(bytes.len() as u64, size);
                (name, Some((size, Digest::of(&bytes))))
            }
        };
        assert_clean(name);
        assert!(!name.is_empty());
        files.push((name.to_owned(), file));
        Ok(())
    })?;
    Ok(files)
}

fn content(members: &Members, name: &str) -> Digest {
    let mut bytes = Vec::new();
    let mut reader = members.read(name).expect("listed").expect("listed");
    reader.read_to_end(&mut bytes).expect("the list was made by reading it");
    Digest::of(&bytes)
}

/// A name that can be joined to a folder and stays in it.
fn assert_clean(name: &str) {
    let is_part = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
    assert!(name.is_empty() || name.split('/').all(is_part), "{name:?}");
}

/// Corrects the checksum of every header, so that what stands behind it is reached: no fuzzer finds one by chance.
pub(super) fn mended(tar: &[u8]) -> Vec<u8> {
    let mut tar = tar.to_vec();
    let mut at = 0_usize;
    while let Some(block) = tar.get_mut(at..at.saturating_add(512)) {
        if block.iter().any(|&byte| byte != 0) {
            let mut header = Header::from_byte_slice(block).clone();
            header.set_cksum();
            block.copy_from_slice(header.as_bytes());
            let size = usize::try_from(header.entry_size().unwrap_or(0)).unwrap_or(usize::MAX);
            at = at.saturating_add(size.checked_next_multiple_of(512).unwrap_or(usize::MAX));
        }
        at = at.saturating_add(512);
    }
    tar
}

/// Writes a file with `records` in its extended header.
fn extended(records: &[u8]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (kind, content) in [(EntryType::XHeader, records), (EntryType::Regular, b"content")] {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.as_old_mut().name[0] = b'a';
        header.set_cksum();
        tar.extend_from_slice(header.as_bytes());
        tar.extend_from_slice(content);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar
}
