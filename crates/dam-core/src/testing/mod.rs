//! Small things for tests: made of what a test says, never read from anywhere.

mod hooks;
mod release;

pub use hooks::{FakeHooks, FakeRun};
pub use release::release;
