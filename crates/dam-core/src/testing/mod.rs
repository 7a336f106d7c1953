//! Small things for tests: made of what a test says, never read from anywhere.

mod daemon;
pub mod fuzz;
mod hooks;
mod memory_store;
mod registry;
mod release;
mod troubled;

pub use daemon::{PrivateDocker, PrivatePodman};
pub use hooks::{FakeHooks, FakeRun};
pub use memory_store::MemoryStore;
pub use registry::PrivateRegistry;
pub use release::release;
pub use troubled::{Trouble, Troubled};
