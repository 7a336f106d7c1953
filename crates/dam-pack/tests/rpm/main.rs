//! What the `.rpm` writer makes, in the eyes of Red Hat's own tools.

mod bad;
mod install;
mod keys;
mod oracle;
mod sample;
mod sign;
mod tools;
mod write;
