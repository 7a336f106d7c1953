//! What the `.rpm` writer makes, in the eyes of Red Hat's own tools.

mod bad;
mod install;
mod oracle;
mod sample;
mod tools;
mod write;
