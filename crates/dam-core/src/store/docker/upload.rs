//! Sending what is composed while it is sent.

use std::thread;

use super::DockerStore;
use super::client::{Answer, Ask};
use super::feed::{FeedWriter, feed};
use crate::Result;

impl DockerStore {
    /// Sends what `compose` writes, from one thread while another composes it. When `compose` fails, the request breaks
    /// off without its end, the engine does nothing, and the failure is returned.
    pub(super) fn upload(
        &self,
        ask: &Ask,
        compose: impl FnOnce(&mut FeedWriter) -> dam_oci::Result<()> + Send,
    ) -> Result<Answer> {
        let (writer, mut reader) = feed();
        thread::scope(|scope| {
            let composer = scope.spawn(move || run(compose, writer));
            let answer = self.client.upload(ask, &mut reader);
            // Without a reader the composer stops at its next piece.
            drop(reader);
            match composer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)) {
                // What could not be composed explains why the request broke off.
                Composed::Failed(error) => Err(error.into()),
                Composed::Whole | Composed::Cut => Ok(answer?.checked()?),
            }
        })
    }
}

/// How composing ended.
enum Composed {
    /// Everything was written.
    Whole,
    /// Whoever sent it stopped, and knows why.
    Cut,
    /// Something could not be read.
    Failed(dam_oci::Error),
}

fn run(compose: impl FnOnce(&mut FeedWriter) -> dam_oci::Result<()>, mut out: FeedWriter) -> Composed {
    match compose(&mut out) {
        Err(_) if out.is_cut() => Composed::Cut,
        // Dropping `out` unfinished makes the request break off.
        Err(error) => Composed::Failed(error),
        Ok(()) => match out.finish() {
            Ok(()) => Composed::Whole,
            Err(_) => Composed::Cut,
        },
    }
}
