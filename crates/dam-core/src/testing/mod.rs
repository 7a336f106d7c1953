//! Small things for tests: made of what a test says, never read from anywhere.

mod daemon;
pub mod fuzz;
mod hooks;
mod island;
mod memory_store;
pub mod packages;
pub mod programs;
mod registries;
mod release;
mod troubled;

pub use dam_oci::testing::registry::PrivateRegistry;

pub use daemon::{PrivateDocker, PrivatePodman};
pub use hooks::{FakeHooks, FakeRun};
pub use island::Island;
pub use memory_store::MemoryStore;
pub use registries::{NoLogins, offline, plain_inquiry, registries};
pub use release::release;
pub use troubled::{Trouble, Troubled};
