//! The package manager: what an app is, what is installed, and how that changes.
//!
//! The terminal above calls [`ops`]; each op returns one outcome struct that words, JSON and tests read alike. Nothing
//! here prints, prompts, reads the environment or exits; progress leaves as [`event::Event`]s.

pub mod app;
pub mod bundle;
pub mod cache;
pub mod compare;
pub mod engine;
mod error;
pub mod event;
pub mod fault;
pub mod hooks;
pub mod host;
pub mod ledger;
pub mod legacy;
pub mod meta;
pub mod ops;
pub mod plan;
pub mod product;
pub mod project;
pub mod repo;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod version_order;

pub use error::{Error, Result};
pub use host::Cancel;
