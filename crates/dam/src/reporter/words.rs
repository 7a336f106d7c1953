//! What all reporters for people say alike.

use dam_core::event::{Event, Warning};

use crate::ui::Ui;

/// Says what has no bar and no output: warnings, waiting, undoing.
pub(super) fn say(ui: &Ui, event: &Event) {
    match event {
        Event::Warning(fault) => {
            ui.warning(&warning(fault));
            if let Warning::Undefined { .. } = fault {
                ui.hint("define it in ENVIRONMENT, or pass --strict to make this an error");
            }
        }
        Event::WaitingForLock { path } => {
            ui.status(&format!("another dam is changing this machine; waiting for it ({})", path.display()));
        }
        Event::Recovering { what, finish: true } => ui.status(&format!("finishing what was cut off: {what}")),
        Event::Recovering { what, finish: false } => ui.status(&format!("undoing what was cut off: {what}")),
        Event::Undoing { what } => ui.status(&format!("undoing: {what}")),
        Event::Started { .. }
        | Event::Advanced { .. }
        | Event::Finished
        | Event::BuildLine { .. }
        | Event::HookStarted { .. }
        | Event::HookOutput { .. }
        | Event::HookEnded { .. }
        | Event::ProgramStarted { .. }
        | Event::ProgramOutput { .. }
        | Event::ProgramEnded { .. } => {}
    }
}

/// Puts a warning into one sentence.
pub(super) fn warning(warning: &Warning) -> String {
    match warning {
        Warning::Undefined { file, line, variable } => {
            format!("{file}:{line}: ${{{variable}}} is defined nowhere; it stays as written")
        }
        Warning::Contradiction { variable, dockerfile, app } => {
            format!("the Dockerfile sets {variable} to `{dockerfile}`, and the app has `{app}`")
        }
        Warning::NoChecksum { path } => {
            format!("the name of `{}` carries no checksum, so none was checked", path.display())
        }
        Warning::Platform { app, made_for, here } => {
            format!("{app} is made for {made_for}, and this machine is {here}")
        }
        Warning::Leftover { what } => (*what).to_owned(),
    }
}
