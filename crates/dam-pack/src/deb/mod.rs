//! Debian's packages.

mod ar;
mod changelog;
mod control;
mod copyright;
mod fields;
mod layout;
mod read;
mod tar;
mod tar_read;
mod write;

pub(crate) use changelog::mail_date;
pub use changelog::{changelog, gzip};
pub use copyright::{Rights, copyright};
pub use read::read;
pub use write::write;
