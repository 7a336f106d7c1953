//! Bars, on a terminal.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use dam_core::event::{Event, Reporter};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::hook_output::HookOutput;
use super::{build_line, words};
use crate::clean;
use crate::ui::Ui;

/// What is over sooner gets no bar: a flash helps nobody.
const PATIENCE: Duration = Duration::from_millis(250);
const BYTES_OF_TOTAL: &str =
    "  {spinner} {msg}  {decimal_bytes} / {decimal_total_bytes}  {decimal_bytes_per_sec}  {eta_precise} left";
const BYTES: &str = "  {spinner} {msg}  {decimal_bytes}  {decimal_bytes_per_sec}";

/// Shows one bar at a time, below everything that is said meanwhile.
pub(crate) struct Terminal {
    ui: Arc<Ui>,
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
    bar: Option<ProgressBar>,
}

impl Terminal {
    /// Reports to `ui`, and draws its bars on stderr.
    pub(crate) fn new(ui: Arc<Ui>) -> Self {
        Self { ui, state: Mutex::default() }
    }
}

impl State {
    /// Takes the bar away while something else is written.
    fn aside(&self, write: impl FnOnce()) {
        match self.stretch.as_ref().and_then(|stretch| stretch.bar.as_ref()) {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    fn end_stretch(&mut self) {
        if let Some(bar) = self.stretch.take().and_then(|stretch| stretch.bar) {
            bar.finish_and_clear();
        }
    }
}

impl Stretch {
    fn advance(&mut self, bytes: u64) {
        self.done += bytes;
        if self.bar.is_none() && self.since.elapsed() >= PATIENCE {
            self.bar = Some(self.begin_bar());
        }
        if let Some(bar) = &self.bar {
            bar.set_position(self.done);
        }
    }

    fn begin_bar(&self) -> ProgressBar {
        let template = if self.total.is_some() { BYTES_OF_TOTAL } else { BYTES };
        let style = ProgressStyle::with_template(template).expect("the templates are sound");
        let bar = ProgressBar::with_draw_target(self.total, ProgressDrawTarget::stderr());
        bar.set_style(style);
        bar.set_message(self.what.clone());
        bar.set_elapsed(self.since.elapsed());
        // A daemon that thinks after the last byte must not look dead.
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }
}

impl Reporter for Terminal {
    fn event(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Started { what, total } => {
                state.end_stretch();
                let what = clean::line(what);
                state.stretch = Some(Stretch { what, total, done: 0, since: Instant::now(), bar: None });
            }
            Event::Advanced { bytes } => state.stretch.iter_mut().for_each(|stretch| stretch.advance(bytes)),
            Event::Finished => state.end_stretch(),
            Event::BuildLine { line } => {
                if let Some(line) = build_line::show(&self.ui, line) {
                    state.aside(|| self.ui.talk(&line));
                }
            }
            Event::HookStarted { app, hook } => {
                state.end_stretch();
                state.hook = Some(HookOutput::new(app, hook, true));
            }
            Event::ProgramStarted { program } => {
                state.end_stretch();
                state.hook = Some(HookOutput::of_program(program, true));
            }
            Event::HookOutput { bytes } | Event::ProgramOutput { bytes } => {
                let text = state.hook.as_mut().map(|hook| hook.push(bytes)).unwrap_or_default();
                state.aside(|| self.ui.talk(&text));
            }
            Event::HookEnded { .. } | Event::ProgramEnded { .. } => {
                if let Some(hook) = state.hook.take() {
                    self.ui.talk(hook.end());
                }
            }
            other => state.aside(|| words::say(&self.ui, &other)),
        }
    }
}

impl Drop for Terminal {
    /// An error may come in the middle of a stretch; its bar must not stay under the message.
    fn drop(&mut self) {
        self.state.get_mut().unwrap_or_else(PoisonError::into_inner).end_stretch();
    }
}
