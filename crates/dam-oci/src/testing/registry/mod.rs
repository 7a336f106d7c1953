//! Registries for tests: real ones of every kind, and a server that says what a test wants.
//!
//! The real ones are Debian's `docker-registry`, with `nginx` before it where a test asks for that. All of them listen on
//! loopback, and end with their values.

mod builder;
mod certificates;
mod cutting_proxy;
mod fill;
mod nginx;
mod scripted_server;
mod shelves;
mod slow_proxy;
mod token_server;

pub use builder::{Prefix, PrivateRegistry, RegistryBuilder};
pub use certificates::{Authority, Identity};
pub use cutting_proxy::CuttingProxy;
pub use scripted_server::{Answer, Request, ScriptedServer};
pub use slow_proxy::SlowProxy;
pub use token_server::TokenServer;

/// The one user of registries that want to know who asks.
pub const USER: &str = "robin";
/// The user's password.
pub const PASSWORD: &str = "two words";
/// The identity token that the token server takes in the place of user and password.
pub const IDENTITY_TOKEN: &str = "kept-by-docker-login";

/// [`USER`] and [`PASSWORD`] as `htpasswd -B` writes them.
const HTPASSWD: &str = "robin:$2y$04$PrivateRegistryTests.eErnRVZwSYjY7o.LN0e5l29H2fjMFKqa\n";
