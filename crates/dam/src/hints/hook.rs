//! Advice on hooks.

use dam_core::app::AppId;
use dam_core::hooks::{HookError, HookText};

use super::Advice;
use crate::error::Hint;

/// Lines of a failed hook's output that are shown with the error; the rest is in the history.
const LINES: usize = 12;

pub(super) fn advise(error: &HookError) -> Advice {
    match error {
        HookError::Missing { .. } => Advice::new("no-hook"),
        HookError::NoInterpreter { interpreter, .. } if interpreter.ends_with('\r') => Advice::with(
            "no-interpreter",
            [Hint::Advice("the script has Windows line ends; it needs plain ones".into())],
        ),
        HookError::NoInterpreter { .. } => Advice::new("no-interpreter"),
        HookError::NoExec { folder, .. } => Advice::with(
            "no-exec",
            [Hint::Again { before: "", after: "--root DIR", note: "with a folder that may run programs" }],
        )
        .at(folder),
        HookError::Start { .. } | HookError::Lost { .. } => Advice::new("hook-start"),
        HookError::Failed { app, text, .. } => see_log(Advice::new("hook-failed"), app, text),
    }
}

/// Adds the last lines of a hook's output, and where the rest is.
pub(super) fn see_log(advice: Advice, app: &AppId, text: &HookText) -> Advice {
    let command = format!("dam history {} --log", app.name);
    let hint = Hint::Command(command, "shows all that the hooks printed");
    Advice { said: text.last_lines(LINES), hints: vec![hint], ..advice }
}
