//! Apps: an OCI image with a `/meta` folder, and the words for its parts.

mod describe;
mod labels;
mod name;
mod release;
mod servers;

pub use describe::{NoApp, describe};
pub use labels::{FAMILY, Labels, MULTIVERSION, NAME, SERVERS, VERSION};
pub(crate) use name::word;
pub use name::{AppId, AppName, Family, NameFault, Version};
pub use release::{App, HookName, Release};
pub use servers::Servers;
