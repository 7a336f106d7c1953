//! What dam can do, one file per command: `dam X` is `commands/x.rs`, which calls `ops/x.rs`.

pub mod addrepo;
mod candidate;
pub mod create;
pub mod diff;
pub mod doctor;
pub mod engine;
pub mod export;
pub mod import;
pub mod info;
pub mod install;
pub mod listrepos;
pub mod migrate;
pub mod modifyrepo;
pub mod pull;
pub mod purge;
pub mod push;
pub mod remove;
pub mod removerepo;
pub mod rollback;
pub mod save;
pub mod search;
mod target;
pub mod upgrade;
pub mod verify;
pub mod verify_file;

pub(crate) use candidate::newest;
pub use candidate::{Candidate, Search};
pub use target::Target;
