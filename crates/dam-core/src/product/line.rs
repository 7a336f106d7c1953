//! One line of a list.

use dam_oci::Reference;

use super::{LINE_LIMIT, LineReason};
use crate::app::{AppId, AppName};

/// Takes comment, line end and blanks off a line.
pub(super) fn content(line: &[u8]) -> &[u8] {
    let comment = |at: usize| line[at] == b'#' && (at == 0 || is_blank(line[at - 1]));
    let end = (0..line.len()).find(|&at| comment(at)).unwrap_or(line.len());
    let content = &line[..end];
    let content = content.strip_suffix(b"\r").unwrap_or(content);
    let begin = content.iter().position(|&byte| !is_blank(byte)).unwrap_or(content.len());
    let end = content.iter().rposition(|&byte| !is_blank(byte)).map_or(begin, |last| last + 1);
    &content[begin..end]
}

/// Reads what [`content`] has left, if anything.
pub(super) fn app(content: &[u8]) -> Result<Option<(AppId, Reference)>, LineReason> {
    if content.is_empty() {
        return Ok(None);
    }
    if content.len() > LINE_LIMIT {
        return Err(LineReason::Long);
    }
    let text = std::str::from_utf8(content).map_err(|_| LineReason::NotText)?;
    if text.contains(char::is_whitespace) {
        return Err(LineReason::Words);
    }
    let reference: Reference =
        text.parse().map_err(|fault: dam_oci::ParseReferenceError| LineReason::Reference(fault.reason))?;
    if reference.digest().is_some() {
        return Err(LineReason::Digest);
    }
    let id = AppId::of(&reference).ok_or(LineReason::NoVersion)?;
    // Some repositories read as something else where no registry stands before them, such as `plant.site/shop`.
    id.name.as_str().parse::<AppName>().map_err(LineReason::Name)?;
    Ok(Some((id, reference)))
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}
