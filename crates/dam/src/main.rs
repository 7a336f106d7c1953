//! The terminal: words in, words out. Everything else is in the library crates.

#![allow(clippy::result_large_err, clippy::large_enum_variant)] // one command line and at most one error a process

mod ago;
mod args;
mod bug;
mod bytes;
mod clean;
mod commands;
mod config;
mod context;
mod duration;
mod error;
mod exit;
mod generate;
mod hints;
mod huge_pages;
mod invocation;
mod network;
mod nss;
mod password;
mod reporter;
mod run;
mod show;
mod signals;
mod signing;
mod size;
mod surroundings;
mod table;
mod ui;

fn main() -> std::process::ExitCode {
    nss::stay_inside();
    run::run(std::env::args_os().collect()).into()
}
