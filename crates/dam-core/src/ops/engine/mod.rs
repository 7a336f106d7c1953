//! Docker Engine as host packages: `dam engine X` is `commands/engine/x.rs`, which calls `ops/engine/x.rs`.

pub mod init;
