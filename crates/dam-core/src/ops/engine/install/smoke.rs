//! Whether a fresh engine runs containers.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use dam_pack::Architecture;
use serde::Serialize;

use super::InstallFault;
use crate::cache::Cache;
use crate::engine::smoke::{SAYS, SmokeImage};
use crate::event::{Event, Reporter};
use crate::store::Store;
use crate::store::docker::{DockerError, DockerStore, Endpoint, EngineFacts};
use crate::{Cancel, Error, Result};

/// How a container ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Smoke {
    /// The engine.
    pub engine: EngineFacts,
    /// What the container wrote.
    pub said: String,
}

/// How long an engine, and then a container, may take.
const LIMIT: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(200);

/// Waits for the engine behind a socket, loads a tiny image of dam's own, runs it without a network, and removes it.
///
/// # Errors
/// [`DockerError`] where the engine does not answer or refuses, [`InstallFault`] where the container does otherwise than it
/// should, and [`Error::Cancelled`].
pub fn smoke(socket: &Path, cancel: &Cancel, reporter: &dyn Reporter) -> Result<Smoke> {
    reporter.event(Event::Started { what: "wait for the engine", total: None });
    let store = connect(socket, cancel);
    reporter.event(Event::Finished);
    let store = store?;
    let engine = store.facts()?;
    let image = architecture(&engine.architecture).and_then(SmokeImage::new);
    let image = image.ok_or_else(|| InstallFault::NoProgram(engine.architecture.clone()))?;
    let id = store.load(&image, &[], reporter)?;
    reporter.event(Event::Started { what: "run a container", total: None });
    let ran = store.run_once(id, LIMIT, cancel);
    reporter.event(Event::Finished);
    // The first error is the one to tell of.
    let removed = store.remove(id);
    let ran = ran?;
    removed?;
    match ran.status == 0 && ran.output == SAYS {
        true => Ok(Smoke { engine, said: ran.output.trim_end().to_owned() }),
        false => Err(InstallFault::Said { status: ran.status, output: ran.output }.into()),
    }
}

/// Connects as soon as the engine answers.
fn connect(socket: &Path, cancel: &Cancel) -> Result<DockerStore> {
    let begun = Instant::now();
    loop {
        // The image is loaded and never saved, so that nothing is ever in the cache: its folder is not made.
        let cache = Cache::new("/nonexistent", 0);
        match DockerStore::connect(Endpoint::Unix(socket.to_owned()), cache) {
            Err(Error::Docker(DockerError::Unreachable { .. } | DockerError::BrokeOff { .. }))
                if begun.elapsed() < LIMIT =>
            {
                cancel.check()?;
                sleep(TICK);
            }
            connected => return connected,
        }
    }
}

/// Knows a processor by what the kernel calls it.
pub(super) fn architecture(kernel: &str) -> Option<Architecture> {
    Some(match kernel {
        "x86_64" => Architecture::X86_64,
        "aarch64" => Architecture::Aarch64,
        "armv7l" | "armv8l" => Architecture::Armv7,
        "ppc64le" => Architecture::Ppc64le,
        "s390x" => Architecture::S390x,
        "riscv64" => Architecture::Riscv64,
        _ => return None,
    })
}
