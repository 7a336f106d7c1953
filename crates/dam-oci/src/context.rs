//! A build context as a value.

/// The files of a build.
pub struct Context;
