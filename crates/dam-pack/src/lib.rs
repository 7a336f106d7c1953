//! Host packages: a `.deb` and an `.rpm` from one description.
//!
//! This crate knows no container and no terminal; it never prints, reads the environment or exits.

mod architecture;
pub mod check;
mod content;
pub mod deb;
mod error;
pub mod explain;
mod file_name;
pub mod impact;
pub mod lifecycle;
mod name;
pub mod order;
mod package;
mod path;
mod relations;
pub mod repo;
pub mod rpm;
pub mod sign;
pub mod targets;
pub mod units;
mod unpack;
mod version;
mod view;
mod xz;

pub use architecture::Architecture;
pub use content::{Progress, unwatched};
pub use error::{ReadError, WriteError};
pub use file_name::{Format, file_name};
pub use name::{PackageName, ParsePackageNameError};
pub use package::{Change, Content, DebScript, Entry, EntryKind, Package, Role, RpmScript, Scripts};
pub use path::{PackagePath, ParsePathError};
pub use relations::{Comparison, ParseRelationError, Relation, Relations};
pub use version::{PackageVersion, ParseVersionError, VersionPart};
pub use view::{Compression, Construct, EntryView, KindView, PackageView, RelationKind, RoleView, ScriptView, Visitor};
pub use xz::{DICTIONARY, Effort, XzEncoder};
