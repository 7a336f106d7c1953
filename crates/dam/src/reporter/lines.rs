//! JSON lines, for machines: one object a line on stderr, each with `"v":1` and `"event"`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use dam_core::event::{Event, Reporter, Warning};
use serde_json::{Value, json};

use super::words;
use crate::clean::{self, Cleaner};
use crate::ui::Ui;

/// Bytes are summed up for so long before they are reported.
const EVERY: Duration = Duration::from_millis(100);

/// Writes each event as a line.
pub(crate) struct Lines {
    ui: Arc<Ui>,
    state: Mutex<State>,
}

struct State {
    done: u64,
    shown: Instant,
    cleaner: Cleaner,
}

impl Lines {
    /// Reports to `ui`.
    pub(crate) fn new(ui: Arc<Ui>) -> Self {
        let state = State { done: 0, shown: Instant::now(), cleaner: Cleaner::new(false) };
        Self { ui, state: Mutex::new(state) }
    }
}

impl Reporter for Lines {
    fn event(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Value::Object(fields)) = state.describe(event) {
            let mut line = serde_json::Map::from_iter([("v".to_owned(), json!(1))]);
            line.extend(fields);
            self.ui.talk(&clean::json(&format!("{}\n", Value::Object(line))));
        }
    }
}

impl State {
    fn describe(&mut self, event: Event) -> Option<Value> {
        Some(match event {
            Event::Started { what, total } => {
                (self.done, self.shown) = (0, Instant::now());
                json!({ "event": "started", "what": clean::line(what), "total": total })
            }
            Event::Advanced { bytes } => {
                self.done += bytes;
                if self.shown.elapsed() < EVERY {
                    return None;
                }
                self.shown = Instant::now();
                json!({ "event": "advanced", "done": self.done })
            }
            Event::Finished => json!({ "event": "finished", "done": self.done }),
            Event::BuildLine { line } => json!({ "event": "build-line", "line": clean::lines(line) }),
            Event::HookStarted { app, hook } => {
                self.cleaner = Cleaner::new(false);
                json!({ "event": "hook-started", "app": app.to_string(), "hook": hook })
            }
            Event::HookOutput { bytes } => json!({ "event": "hook-output", "text": self.cleaner.push(bytes) }),
            Event::HookEnded { app, hook, success } => {
                json!({ "event": "hook-ended", "app": app.to_string(), "hook": hook, "success": success })
            }
            Event::ProgramStarted { program } => {
                self.cleaner = Cleaner::new(false);
                json!({ "event": "program-started", "program": program })
            }
            Event::ProgramOutput { bytes } => json!({ "event": "program-output", "text": self.cleaner.push(bytes) }),
            Event::ProgramEnded { program, success } => {
                json!({ "event": "program-ended", "program": program, "success": success })
            }
            Event::Warning(warning) => describe_warning(&warning),
            Event::WaitingForLock { path } => {
                json!({ "event": "waiting-for-lock", "path": path.display().to_string() })
            }
            Event::Recovering { what, finish } => json!({ "event": "recovering", "what": what, "finish": finish }),
            Event::Undoing { what } => json!({ "event": "undoing", "what": what }),
        })
    }
}

fn describe_warning(warning: &Warning) -> Value {
    let text = clean::line(&words::warning(warning));
    let kind = match warning {
        Warning::Undefined { .. } => "undefined",
        Warning::Contradiction { .. } => "contradiction",
        Warning::NoChecksum { .. } => "no-checksum",
        Warning::Platform { .. } => "platform",
        Warning::Leftover { .. } => "leftover",
    };
    json!({ "event": "warning", "kind": kind, "text": text })
}
