//! What happens while an op runs, for whoever watches.

use std::io::{self, Read};

use dam_oci::Platform;

use crate::app::{AppId, HookName};

/// Watches an op. One method, so that a terminal, JSON lines and a test's `Vec` are each a few lines.
pub trait Reporter: Send + Sync {
    /// Takes note of an event. Must not block for long and cannot fail.
    fn event(&self, event: Event);
}

/// A reporter that hears nothing.
pub struct Silent;

impl Reporter for Silent {
    fn event(&self, _: Event) {}
}

/// Something that happens while an op runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// A stretch of work with a known or unknown number of bytes begins.
    Started {
        /// What is done, such as "layer 2/3" or "load shop:1.0".
        what: &'a str,
        /// Bytes it will take, if known.
        total: Option<u64>,
    },
    /// So many more bytes of the current stretch are done.
    Advanced {
        /// Bytes since the last such event.
        bytes: u64,
    },
    /// The current stretch of work is over.
    Finished,
    /// A line of output of a build, without its newline; `step` says whether it begins a new step.
    BuildLine {
        /// The text, not yet cleaned of control characters.
        line: &'a str,
    },
    /// A hook starts.
    HookStarted {
        /// The app.
        app: &'a AppId,
        /// The hook.
        hook: HookName,
    },
    /// A hook wrote something.
    HookOutput {
        /// The bytes as they came, not yet cleaned of control characters.
        bytes: &'a [u8],
    },
    /// A hook ended.
    HookEnded {
        /// The app.
        app: &'a AppId,
        /// The hook.
        hook: HookName,
        /// Whether it ended well.
        success: bool,
    },
    /// A program of this machine starts, such as its package manager.
    ProgramStarted {
        /// Its name: `apt-get`.
        program: &'a str,
    },
    /// The program wrote something.
    ProgramOutput {
        /// The bytes as they came, not yet cleaned of control characters.
        bytes: &'a [u8],
    },
    /// The program ended.
    ProgramEnded {
        /// Its name.
        program: &'a str,
        /// Whether it ended well.
        success: bool,
    },
    /// Something a person should know that is not an error.
    Warning(Warning<'a>),
    /// Another dam is changing this machine; this one waits.
    WaitingForLock {
        /// The lock file.
        path: &'a std::path::Path,
    },
    /// An operation that was cut off is being finished or undone.
    Recovering {
        /// What it was, such as "upgrade of shop 1.0 to 2.0".
        what: &'a str,
        /// True when it is finished, false when it is undone.
        finish: bool,
    },
    /// A failed operation is being undone.
    Undoing {
        /// What it was.
        what: &'a str,
    },
}

/// Something a person should know that is not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning<'a> {
    /// A `${DAM_…}` of an `.exp` file that nobody defines.
    Undefined {
        /// File, relative to the project.
        file: &'a str,
        /// Line, from 1.
        line: usize,
        /// The variable, without `${}`.
        variable: &'a str,
    },
    /// The Dockerfile bakes another value of a reserved variable into the image than the app has.
    Contradiction {
        /// The variable.
        variable: &'a str,
        /// Its value in the Dockerfile.
        dockerfile: &'a str,
        /// Its value for the app.
        app: &'a str,
    },
    /// An archive's name carries no checksum, so none was checked.
    NoChecksum {
        /// The archive.
        path: &'a std::path::Path,
    },
    /// An app is made for a platform whose programs this machine does not run by itself.
    Platform {
        /// The app.
        app: &'a AppId,
        /// What it is made for.
        made_for: &'a Platform,
        /// What this machine is.
        here: &'a Platform,
    },
    /// Something was left behind or could not be done, and nothing depends on it.
    Leftover {
        /// What and why, one sentence.
        what: &'a str,
    },
}

/// A reporter that hears of all work under one name: that of the app for which it is done, where whoever does it knows only
/// an image.
pub(crate) struct Named<'a> {
    inner: &'a dyn Reporter,
    name: String,
}

impl<'a> Named<'a> {
    /// Passes on what `inner` should hear.
    pub(crate) fn new(inner: &'a dyn Reporter, name: String) -> Self {
        Self { inner, name }
    }
}

impl Reporter for Named<'_> {
    fn event(&self, event: Event) {
        self.inner.event(match event {
            Event::Started { total, .. } => Event::Started { what: &self.name, total },
            event => event,
        });
    }
}

/// A reader that tells a reporter of the bytes that pass.
pub(crate) struct Watched<'a, R> {
    inner: R,
    reporter: &'a dyn Reporter,
}

impl<'a, R> Watched<'a, R> {
    /// Watches `inner`.
    pub(crate) fn new(inner: R, reporter: &'a dyn Reporter) -> Self {
        Self { inner, reporter }
    }
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.reporter.event(Event::Advanced { bytes: count as u64 });
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::{Event, Reporter, Watched};

    struct Count(AtomicU64);

    impl Reporter for Count {
        fn event(&self, event: Event) {
            let Event::Advanced { bytes } = event else { panic!("{event:?}") };
            self.0.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    #[test]
    fn each_byte_that_passes_is_told_once() {
        let count = Count(AtomicU64::new(0));
        let mut text = String::new();
        Watched::new(&b"seven b"[..], &count).read_to_string(&mut text).expect("bytes in memory");
        assert_eq!((text.as_str(), count.0.into_inner()), ("seven b", 7));
    }
}
