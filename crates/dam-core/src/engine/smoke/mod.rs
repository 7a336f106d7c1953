//! The image by which a fresh engine is tried out: one program of some hundred bytes that says a line and ends.
//!
//! dam carries it for every processor, so that nothing need be on the machine, or be fetched, to know that containers run.

mod image;
mod program;

pub use image::SmokeImage;
pub use program::{SAYS, program};
