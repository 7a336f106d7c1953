//! Plain lines, for files and pipes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use dam_core::event::{Event, Reporter};

use super::hook_output::HookOutput;
use super::{build_line, words};
use crate::bytes::Bytes;
use crate::clean;
use crate::duration;
use crate::ui::Ui;

/// How often a long stretch of work shows that it goes on.
const EVERY: Duration = Duration::from_secs(10);
/// What takes less is not worth a line.
const WORTH_A_LINE: Duration = Duration::from_secs(1);

/// Shows progress as lines that are never changed.
pub(crate) struct Plain {
    ui: Arc<Ui>,
    progress: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    stretch: Option<Stretch>,
    hook: Option<HookOutput>,
}

struct Stretch {
    what: String,
    total: Option<u64>,
    done: u64,
    since: Instant,
    shown: Instant,
}

impl Plain {
    /// Reports to `ui`; without `progress`, only what hooks and builds print.
    pub(crate) fn new(ui: Arc<Ui>, progress: bool) -> Self {
        Self { ui, progress, state: Mutex::default() }
    }

    fn talk(&self, text: &str) {
        if !self.ui.manner().quiet && !text.is_empty() {
            self.ui.talk(text);
        }
    }
}

impl Reporter for Plain {
    fn event(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Started { what, total } => {
                let now = Instant::now();
                state.stretch = Some(Stretch { what: clean::line(what), total, done: 0, since: now, shown: now });
            }
            Event::Advanced { bytes } => {
                if let Some(stretch) = &mut state.stretch {
                    stretch.done += bytes;
                    if self.progress && stretch.shown.elapsed() >= EVERY {
                        stretch.shown = Instant::now();
                        self.talk(&stretch.so_far());
                    }
                }
            }
            Event::Finished => {
                if let Some(stretch) = state.stretch.take()
                    && self.progress
                    && stretch.since.elapsed() >= WORTH_A_LINE
                {
                    self.talk(&stretch.done());
                }
            }
            Event::BuildLine { line } => self.talk(&build_line::show(&self.ui, line).unwrap_or_default()),
            Event::HookStarted { app, hook } => state.hook = Some(HookOutput::new(app, hook, false)),
            Event::ProgramStarted { program } => state.hook = Some(HookOutput::of_program(program, false)),
            Event::HookOutput { bytes } | Event::ProgramOutput { bytes } => {
                if let Some(hook) = &mut state.hook {
                    self.talk(&hook.push(bytes));
                }
            }
            Event::HookEnded { .. } | Event::ProgramEnded { .. } => {
                if let Some(hook) = state.hook.take() {
                    self.talk(hook.end());
                }
            }
            other => words::say(&self.ui, &other),
        }
    }
}

impl Stretch {
    fn so_far(&self) -> String {
        match self.total {
            Some(total) => format!("  {}  {} of {}\n", self.what, Bytes(self.done), Bytes(total)),
            None => format!("  {}  {}\n", self.what, Bytes(self.done)),
        }
    }

    fn done(&self) -> String {
        let took = duration::show(self.since.elapsed());
        match self.done {
            0 => format!("  {}  {took}\n", self.what),
            done => format!("  {}  {}  {took}\n", self.what, Bytes(done)),
        }
    }
}
