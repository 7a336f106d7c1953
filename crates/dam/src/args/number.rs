//! Whole numbers.

/// The text that is no number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a whole number")]
pub(super) struct ParseNumberError(String);

/// Reads a whole number from 0.
pub(super) fn number(text: &str) -> Result<usize, ParseNumberError> {
    text.parse().map_err(|_| ParseNumberError(text.to_owned()))
}
