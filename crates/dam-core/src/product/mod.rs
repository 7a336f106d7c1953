//! Product lists: the apps of a machine, one a line.
//!
//! | on a line | meaning |
//! |---|---|
//! | `name:version` | an app |
//! | `server/name:version` | an app, and the registry its image comes from |
//! | `#` at the beginning or behind a blank | a comment, up to the end of the line |
//! | nothing | nothing |
//!
//! Text is UTF-8, with or without a byte order mark; lines end with LF or CR LF; blanks (spaces and tabs) around an app do
//! not count. DAM 1.x wrote such lists, without comments; `app_list` in a bundle is one.
//!
//! Whether two apps of a list belong to one family cannot be seen here: only their images tell.

mod fault;
mod line;
mod list;
mod shelf;

pub use fault::{LineFault, LineReason, ListFault};
pub use list::{Entry, ProductList, is_list};
pub use shelf::{MissingApp, Shelf};

/// The longest list that is read, in bytes: some ten thousand apps.
pub const LIST_LIMIT: usize = 1 << 20;
/// The longest line that is read, in bytes. The longest app has some 400; comments may be longer.
pub const LINE_LIMIT: usize = 4 << 10;
/// The most lines that are told to be wrong; of the rest only the number is told.
pub const FAULT_LIMIT: usize = 100;
