//! Signatures of texts, such as apt's `Release`.

use crate::sign::{Kind, SignError, Signer, Unsigned};

/// Returns a detached signature in armour: `Release.gpg` of `Release`.
///
/// `not_before` is in seconds since 1970, UTC.
pub fn detached(bytes: &[u8], signer: &dyn Signer, not_before: u32) -> Result<String, SignError> {
    Ok(signer.sign(&Unsigned { bytes, kind: Kind::Binary, not_before })?.armored())
}

/// Returns the text with its signature: `InRelease` of `Release`. White space at the ends of lines is not signed.
///
/// Format: <https://www.rfc-editor.org/rfc/rfc4880#section-7>. `not_before` is in seconds since 1970, UTC.
pub fn clear_signed(text: &str, signer: &dyn Signer, not_before: u32) -> Result<String, SignError> {
    let lines: Vec<_> = text.lines().map(|line| line.trim_end_matches([' ', '\t', '\r'])).collect();
    let signature = signer.sign(&Unsigned { bytes: lines.join("\r\n").as_bytes(), kind: Kind::Text, not_before })?;
    let escaped =
        lines.iter().map(|line| if line.starts_with('-') { format!("- {line}\n") } else { format!("{line}\n") });
    let head = format!("-----BEGIN PGP SIGNED MESSAGE-----\nHash: {}\n\n", signature.hash());
    Ok(head + &escaped.collect::<String>() + &signature.armored())
}
