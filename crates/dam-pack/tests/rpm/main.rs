//! `.rpm` files, written and read here and by Red Hat's own tools.

mod bad;
mod check;
mod install;
mod keys;
mod oracle;
mod read;
mod sample;
mod sign;
mod suites;
mod tools;
mod write;
