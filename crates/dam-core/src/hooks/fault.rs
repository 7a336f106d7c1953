//! Why a hook could not be run, or did not do its work.

use std::io;
use std::path::PathBuf;

use super::{Ended, HookText};
use crate::app::{AppId, HookName};

/// What can go wrong with a hook.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// The app has no such hook.
    #[error("`{app}` has no `{hook}`")]
    Missing {
        /// The app.
        app: AppId,
        /// The hook.
        hook: HookName,
    },
    /// Its `#!` line names a program that this machine does not have.
    #[error("`{hook}` of `{app}` needs `{}`, which is not there", interpreter.escape_debug())]
    NoInterpreter {
        /// The app.
        app: AppId,
        /// The hook.
        hook: HookName,
        /// The program, exactly as written: a carriage return at its end is part of it.
        interpreter: String,
    },
    /// The file system of dam's root forbids running programs.
    #[error("`{hook}` of `{app}` cannot be run: `{folder}` is on a file system mounted noexec")]
    NoExec {
        /// The app.
        app: AppId,
        /// The hook.
        hook: HookName,
        /// The folder it was to run in.
        folder: PathBuf,
    },
    /// The system refused to start it.
    #[error("`{hook}` of `{app}` cannot be started")]
    Start {
        /// The app.
        app: AppId,
        /// The hook.
        hook: HookName,
        /// What the system said.
        source: io::Error,
    },
    /// It was started, but its output or its end could not be read; it has been ended.
    #[error("`{hook}` of `{app}` was lost sight of")]
    Lost {
        /// The app.
        app: AppId,
        /// The hook.
        hook: HookName,
        /// What the system said.
        source: io::Error,
    },
    /// It ran and did not succeed.
    #[error("`{hook}` of `{app}` {ended}")]
    Failed {
        /// The app.
        app: AppId,
        /// The hook.
        hook: HookName,
        /// How it ended.
        ended: Ended,
        /// What it wrote.
        text: Box<HookText>,
    },
}
