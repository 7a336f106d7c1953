//! Who shows what happens while an op runs: bars on a terminal, plain lines elsewhere, JSON lines for machines.

mod build_line;
mod hook_output;
mod lines;
mod plain;
mod terminal;
mod words;

pub(crate) use lines::Lines;
pub(crate) use plain::Plain;
pub(crate) use terminal::Terminal;
