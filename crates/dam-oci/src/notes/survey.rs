//! Taking notes of a layer while its bytes pass.

use std::collections::BTreeSet;

use super::LayerNotes;

const BLOCK: usize = 512;
/// The longest pax record or GNU name that is read, in bytes.
const LONGEST_NAME: u64 = 64 << 10;

/// Looks at the headers of a tar that passes in pieces. It sees less than a reader does and is therefore strict: whatever
/// it is not certain of makes the roots unknown, never wrong.
///
/// Formats: <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_14> and GNU tar's.
#[derive(Debug)]
pub struct Survey {
    length: u64,
    state: State,
    roots: BTreeSet<String>,
    /// Of pax or GNU headers before an entry.
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

#[derive(Debug)]
enum State {
    /// Collecting a header.
    Header(Vec<u8>),
    /// Collecting the content of a header that speaks of the next one; then its padding.
    Extension { kind: u8, content: Vec<u8>, left: u64, padding: u64 },
    /// Passing over content and padding.
    Content(u64),
    /// Behind the end mark.
    End,
    /// Something was not certain.
    Lost,
}

impl Default for Survey {
    fn default() -> Self {
        let state = State::Header(Vec::with_capacity(BLOCK));
        Self { length: 0, state, roots: BTreeSet::new(), name: None, size: None }
    }
}

impl Survey {
    /// Looks at the next bytes.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        self.length += bytes.len() as u64;
        while !bytes.is_empty() {
            let taken = match &mut self.state {
                State::End | State::Lost => return,
                State::Header(header) => {
                    let taken = bytes.len().min(BLOCK - header.len());
                    header.extend_from_slice(&bytes[..taken]);
                    if header.len() == BLOCK {
                        let header = std::mem::take(header);
                        self.state = self.header(&header).unwrap_or(State::Lost);
                    }
                    taken
                }
                State::Extension { content, left, .. } => {
                    let taken = at_most(*left, bytes.len());
                    content.extend_from_slice(&bytes[..taken]);
                    *left -= taken as u64;
                    taken
                }
                State::Content(left) => {
                    let taken = at_most(*left, bytes.len());
                    *left -= taken as u64;
                    taken
                }
            };
            bytes = &bytes[taken..];
            self.step();
        }
    }

    /// Returns what is known of the layer, which ended here.
    pub fn finish(self) -> LayerNotes {
        let whole = match &self.state {
            State::End => true,
            State::Header(header) => header.is_empty() && self.name.is_none() && self.size.is_none(),
            State::Extension { .. } | State::Content(_) | State::Lost => false,
        };
        LayerNotes::new(Some(self.length), whole.then_some(self.roots))
    }

    /// Goes on to the next state where the present one is complete.
    fn step(&mut self) {
        match &mut self.state {
            State::Extension { kind, content, left: 0, padding } => {
                let (kind, content, padding) = (*kind, std::mem::take(content), *padding);
                self.state = match self.extension(kind, &content) {
                    Some(()) => State::Content(padding),
                    None => State::Lost,
                };
                self.step();
            }
            State::Content(0) => self.state = State::Header(Vec::with_capacity(BLOCK)),
            _ => {}
        }
    }

    /// Reads a header; `None` where it is not certain.
    fn header(&mut self, header: &[u8]) -> Option<State> {
        if header.iter().all(|byte| *byte == 0) {
            return Some(State::End);
        }
        let sum: u32 = header
            .iter()
            .enumerate()
            .map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) })
            .sum();
        if number(&header[148..156])? != u64::from(sum) {
            return None;
        }
        let (kind, size) = (header[156], number(&header[124..136])?);
        if matches!(kind, b'x' | b'g' | b'L' | b'K') {
            let extension = State::Extension { kind, content: Vec::new(), left: size, padding: padding(size) };
            return (1..=LONGEST_NAME).contains(&size).then_some(extension);
        }
        let size = self.size.take().unwrap_or(size);
        let name = self.name.take().unwrap_or_else(|| ustar_name(header));
        self.roots.extend(root(&name)?);
        let regular = matches!(kind, 0 | b'0' | b'7');
        let empty = matches!(kind, b'1'..=b'6') && size == 0;
        (regular || empty).then(|| State::Content(size.saturating_add(padding(size))))
    }

    /// Reads a header's extension; `None` where it is not certain.
    fn extension(&mut self, kind: u8, content: &[u8]) -> Option<()> {
        match kind {
            b'L' => self.name = Some(content.split(|byte| *byte == 0).next().unwrap_or_default().to_vec()),
            // A link's target is no root.
            b'K' => {}
            _ => {
                let mut rest = content;
                while !rest.is_empty() {
                    let (key, value);
                    (key, value, rest) = pax_record(rest)?;
                    match (kind, key) {
                        (b'x', b"path") => self.name = Some(value.to_vec()),
                        (b'x', b"size") => self.size = Some(std::str::from_utf8(value).ok()?.parse().ok()?),
                        (b'g', b"path" | b"size") => return None,
                        _ if key.starts_with(b"GNU.sparse") => return None,
                        _ => {}
                    }
                }
            }
        }
        Some(())
    }
}

fn at_most(left: u64, length: usize) -> usize {
    usize::try_from(left).unwrap_or(usize::MAX).min(length)
}

/// Bytes that fill the last block.
fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK as u64
}

/// Reads an octal number, or GNU's binary one.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let (high, low) = field.split_at(field.len() - 8);
        // None for a field of eight bytes, a checksum, which is never binary.
        let (sign, high) = high.split_first()?;
        let zero = *sign == 0x80 && high.iter().all(|byte| *byte == 0);
        return zero.then(|| u64::from_be_bytes(low.try_into().expect("eight bytes")));
    }
    let text = std::str::from_utf8(field).ok()?.trim_matches(['\0', ' ']);
    if text.is_empty() { Some(0) } else { u64::from_str_radix(text, 8).ok() }
}

fn ustar_name(header: &[u8]) -> Vec<u8> {
    let text = |field: &[u8]| field.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
    let (name, prefix) = (text(&header[..100]), text(&header[345..500]));
    // GNU's own format keeps other things where ustar has the prefix.
    if &header[257..263] == b"ustar\0" && !prefix.is_empty() { [prefix, b"/".to_vec(), name].concat() } else { name }
}

/// Takes the first record off: its key, its value, and the rest.
fn pax_record(content: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = content.iter().position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(&content[..space]).ok()?.parse().ok()?;
    let record = content.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    Some((&record[..equals], &record[equals + 1..], &content[length..]))
}

/// Returns the first part of a name, none for the root itself; `None` where it is not certain.
fn root(name: &[u8]) -> Option<Option<String>> {
    let name = std::str::from_utf8(name).ok()?;
    let mut parts = name.split('/').filter(|part| !part.is_empty() && *part != ".");
    match parts.next() {
        Some("..") => None,
        _ if parts.any(|part| part == "..") => None,
        _ => Some(name.split('/').find(|part| !part.is_empty() && *part != ".").map(str::to_owned)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, proptest};

    use super::Survey;

    /// Surveys bytes in pieces of `piece`.
    fn survey(bytes: &[u8], piece: usize) -> Option<String> {
        let mut survey = Survey::default();
        bytes.chunks(piece).for_each(|piece| survey.feed(piece));
        let notes = survey.finish();
        assert_eq!(notes.unpacked_size, Some(bytes.len() as u64));
        notes.roots()
    }

    fn tar(files: &[(String, usize)]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, size) in files {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            header.set_size(*size as u64);
            tar.append_data(&mut header, name, &vec![b'x'; *size][..]).expect("memory");
        }
        tar.into_inner().expect("memory")
    }

    #[test]
    fn names_at_the_root() {
        let long = format!("usr/{}/x", "y".repeat(200));
        let files = [("meta/install", 3), ("./etc/passwd", 600), (".wh.bin", 0), (&long, 512), ("top", 513)];
        let tar = tar(&files.map(|(name, size)| (name.to_owned(), size)));
        assert_eq!(survey(&tar, 1000).as_deref(), Some(".wh.bin/etc/meta/top/usr"));
        assert_eq!(survey(&[], 1).as_deref(), Some(""));
    }

    #[test]
    fn what_is_not_certain_is_unknown() {
        let good = tar(&[("meta/install".to_owned(), 2000)]);
        assert_eq!(survey(&good[..700], 64), None);
        let mut bad = good.clone();
        bad[3] ^= 1;
        assert_eq!(survey(&bad, 64), None);
        assert_eq!(survey(&[b'x'; 2000], 64), None);
        let mut global = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::XGlobalHeader);
        header.set_size(15);
        header.set_cksum();
        global.append(&header, &b"15 path=meta/x\n"[..]).expect("memory");
        assert_eq!(survey(&global.into_inner().expect("memory"), 64), None);
    }

    proptest! {
        #[test]
        fn any_tar_in_any_pieces(
            files in prop::collection::vec(("[a-c]{1,3}(/[a-z]{1,80}){0,4}", 0_usize..2000), 0..20),
            piece in 1_usize..3000,
        ) {
            let roots: BTreeSet<&str> = files.iter().filter_map(|(name, _)| name.split('/').next()).collect();
            let expected = roots.into_iter().collect::<Vec<_>>().join("/");
            prop_assert_eq!(survey(&tar(&files), piece), Some(expected));
        }

        #[test]
        fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..3000), piece in (1_usize..3000).prop_map(|n| n)) {
            let known = survey(&bytes, piece);
            prop_assert!(known.is_none() || bytes.iter().take(512).all(|byte| *byte == 0));
        }
    }
}
