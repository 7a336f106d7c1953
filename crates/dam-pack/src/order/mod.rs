//! Which of two versions is newer, as the tools of a format see it.

pub(crate) mod deb;
mod rpm;

use std::cmp::Ordering;

use crate::Format;

/// Compares two whole versions, `[epoch:]version[-release]`.
pub fn compare(format: Format, one: &str, other: &str) -> Ordering {
    match format {
        Format::Deb => deb::compare(one, other),
        Format::Rpm => rpm::compare(one, other),
    }
}
