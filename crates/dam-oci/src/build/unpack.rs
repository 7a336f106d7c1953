//! `ADD` of a local archive: it is unpacked.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::sync::Arc;

use tar::{Archive, EntryType};

use super::base::{inside, link_target, node};
use super::copy::{Destination, LayerBuilder};
use super::spool::{Content, Spool};
use super::tree::{Kind, Node, join, name, parent};
use crate::context::Source;
use crate::{Decompressed, Error, Result};

/// What the first bytes of a file say it is.
enum Format {
    /// Not an archive.
    Other,
    /// A tar, plain or compressed so that dam can read it.
    Tar,
    /// Compressed otherwise; Docker would look inside.
    Unknown(&'static str),
}

/// Unpacks `file` below `to` if it is an archive, and tells whether it was one.
///
/// As in Docker the name does not matter, owners and times are those of the archive, and something that is in the way
/// is replaced. The content goes through the spool: an archive can be read only from front to back.
pub(super) fn unpack(
    layer: &mut LayerBuilder,
    spool: &mut Spool,
    named: &str,
    file: &Node,
    to: &Destination,
) -> Result<bool> {
    let Kind::File { content: Content::Context(source), .. } = &file.kind else { return Ok(false) };
    let stream = || Error::stream(format!("`{named}`"));
    match format(source).map_err(stream())? {
        Format::Other => return Ok(false),
        Format::Unknown(compression) => {
            return Err(layer.fault(format!("`{named}` is compressed with {compression}, which is not supported")));
        }
        Format::Tar => {}
    }
    let folder = layer.follow(&to.path)?;
    layer.make_folders(&folder)?;
    let plain = open(source).and_then(Decompressed::new).map_err(stream())?;
    let mut archive = Archive::new(plain);
    for entry in archive.entries().map_err(stream())? {
        add(layer, spool, named, &folder, &mut entry.map_err(stream())?)?;
    }
    Ok(true)
}

fn open(source: &Source) -> io::Result<Box<dyn Read>> {
    Ok(match source {
        Source::Bytes(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
        Source::Disk(path) => Box::new(File::open(path)?),
    })
}

fn format(source: &Source) -> io::Result<Format> {
    let mut head = Vec::new();
    open(source)?.take(6).read_to_end(&mut head)?;
    match head.as_slice() {
        b"\xfd7zXZ\0" => return Ok(Format::Unknown("xz")),
        [b'B', b'Z', b'h', ..] => return Ok(Format::Unknown("bzip2")),
        _ => {}
    }
    // A file is a tar if its first header is one, whatever it was compressed with.
    let mut header = tar::Header::new_old();
    let read = Decompressed::new(open(source)?).and_then(|mut plain| plain.read_exact(header.as_mut_bytes()));
    let sum: u32 = header.as_bytes().iter().enumerate().map(|(at, &byte)| checked(at, byte)).sum();
    let is_tar = read.is_ok() && header.as_bytes()[0] != 0 && header.cksum().is_ok_and(|promised| promised == sum);
    Ok(if is_tar { Format::Tar } else { Format::Other })
}

/// The checksum of a header counts its own eight bytes as spaces.
fn checked(at: usize, byte: u8) -> u32 {
    if (148..156).contains(&at) { u32::from(b' ') } else { u32::from(byte) }
}

fn add<R: Read>(
    layer: &mut LayerBuilder,
    spool: &mut Spool,
    named: &str,
    folder: &str,
    entry: &mut tar::Entry<R>,
) -> Result<()> {
    let shown = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
    let outside = |layer: &LayerBuilder| layer.fault(format!("`{shown}` in `{named}` leaves the folder"));
    let Some(path) = inside(&shown) else { return Err(outside(layer)) };
    let kind = match entry.header().entry_type() {
        EntryType::Directory => Kind::Folder,
        EntryType::Symlink => Kind::Symlink(link_target(entry)),
        EntryType::Link => {
            let target = inside(&link_target(entry)).ok_or_else(|| outside(layer))?;
            let target = layer.follow(&join(folder, &target))?;
            let linked = layer.tree.get(&target).filter(|node| !node.is_folder()).cloned();
            let linked = linked.ok_or_else(|| layer.fault(format!("`{shown}` in `{named}` links to nothing")))?;
            return place(layer, &join(folder, &path), Node::clone(&linked));
        }
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            // The size of a sparse file is that of its content, so it is counted and not believed.
            let (span, size) = spool.add(&format!("`{named}`"), entry)?;
            Kind::File { size, content: Content::Spool(span) }
        }
        _ => return Err(layer.fault(format!("`{shown}` in `{named}` is a device or a pipe"))),
    };
    let mut node = node(kind, entry).map_err(|error: io::Error| Error::stream(format!("`{named}`"))(error))?;
    if let Some(owner) = layer.owner {
        (node.uid, node.gid) = (owner.uid, owner.gid);
    }
    // The root of the archive is the destination, which is there.
    if path.is_empty() {
        return Ok(());
    }
    place(layer, &join(folder, &path), node)
}

/// Puts a node where the links above it lead, in the place of whatever is there.
fn place(layer: &mut LayerBuilder, path: &str, node: Node) -> Result<()> {
    let folder = layer.follow(parent(path))?;
    layer.make_folders(&folder)?;
    layer.insert(&join(&folder, name(path)), node)
}
