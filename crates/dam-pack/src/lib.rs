//! Host packages: what a `.deb` and an `.rpm` of one piece of software are called.
//!
//! This crate knows no container and no terminal.

mod architecture;
mod file_name;
mod name;
mod version;

pub use architecture::Architecture;
pub use file_name::{Format, file_name};
pub use name::{PackageName, ParsePackageNameError};
pub use version::{PackageVersion, ParseVersionError, VersionPart};
