//! What `dam engine` did.

mod build;
mod check;
mod difference;
mod explain;
mod fetch;
mod init;
mod install;
mod repo;
mod targets;

pub(crate) use check::AllChecked;
pub(crate) use difference::Difference;
pub(crate) use explain::{Detail, Explanation};
