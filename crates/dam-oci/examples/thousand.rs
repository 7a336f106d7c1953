//! Starts a registry of many repositories with 20 tags each, for `bench/run`: `thousand COUNT`. Prints where it is, and where
//! it is as through a network that takes 20 ms; ends when its input does.

use std::io::{Read, Write, stdin, stdout};
use std::time::Duration;

use dam_oci::testing::registry::{RegistryBuilder, SlowProxy};

fn main() -> std::io::Result<()> {
    let count: usize = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1000);
    let registry = RegistryBuilder::new().in_memory().start()?;
    let tags: Vec<_> = (0..20).map(|patch| format!("1.0.{patch}")).collect();
    let repositories: Vec<_> = (0..count).map(|number| (format!("app-{number}"), tags.clone())).collect();
    registry.shelve(&repositories)?;
    let proxy = SlowProxy::start(&registry.host(), Duration::from_millis(20))?;
    writeln!(stdout(), "{} {}", registry.host(), proxy.host())?;
    stdin().read_to_end(&mut Vec::new()).map(|_| ())
}
