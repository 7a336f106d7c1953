//! Small things for tests: made of what a test says, never read from anywhere.

mod release;

pub use release::release;
