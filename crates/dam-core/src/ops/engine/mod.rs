//! Docker Engine as host packages: `dam engine X` is `commands/engine/x.rs`, which calls `ops/engine/x.rs`.

pub mod build;
pub mod check;
pub mod explain;
pub mod fetch;
pub mod init;
pub mod install;
pub mod repo;
