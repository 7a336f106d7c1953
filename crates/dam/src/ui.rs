//! The only writer: stdout gets the answer, once; stderr gets the talk.

mod prompt;
mod stream;
pub(crate) mod style;

use std::io;

use dam_core::ledger::Timestamp;
use serde_json::json;

use crate::clean;
use crate::error::{CliError, Hint};
use crate::exit::Exit;
use crate::invocation::Invocation;
use crate::show::{Show, Words};
pub(crate) use stream::Stream;

/// How to speak.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Manner {
    /// The answer is one JSON document.
    pub(crate) json: bool,
    /// The talk is one JSON object a line.
    pub(crate) json_lines: bool,
    /// No talk but warnings and errors.
    pub(crate) quiet: bool,
    /// More talk.
    pub(crate) debug: bool,
}

/// The user's side: what is said, and what is asked.
pub(crate) struct Ui {
    manner: Manner,
    out: Stream,
    err: Stream,
    /// Whether somebody sits at stdin.
    asks: bool,
    invocation: Invocation,
    now: Timestamp,
}

impl Ui {
    /// Makes the user's side of two streams. `now` is the moment all `… ago` refer to.
    pub(crate) fn new(
        manner: Manner,
        out: Stream,
        err: Stream,
        asks: bool,
        invocation: Invocation,
        now: Timestamp,
    ) -> Self {
        Self { manner, out, err, asks, invocation, now }
    }

    /// Returns how to speak.
    pub(crate) fn manner(&self) -> Manner {
        self.manner
    }

    /// Prints the answer of a command: words, or the same struct as JSON.
    pub(crate) fn print(&self, outcome: &impl Show) -> Result<(), CliError> {
        if self.manner.json {
            let mut document = serde_json::to_string_pretty(outcome).expect("outcomes have text keys and plain values");
            document.push('\n');
            return self.answer(&clean::json(&document));
        }
        self.answer(&self.in_words(outcome))
    }

    /// Prints text as it is: help, completions, `--raw` rows.
    pub(crate) fn answer(&self, text: &str) -> Result<(), CliError> {
        self.out.write(text).map_err(|source| match source.kind() {
            io::ErrorKind::BrokenPipe => CliError { exit: Exit::Unread, ..CliError::new("unread", "nobody reads") },
            _ => CliError::new("output", "cannot write the answer to standard output").because(&source),
        })
    }

    /// Returns standard output for an answer that is no text; nothing else may be answered meanwhile.
    pub(crate) fn pour(&self) -> impl io::Write + '_ {
        self.out.pour()
    }

    /// Shows something before a question, on stderr: a plan. With `--json` the answer carries it instead.
    pub(crate) fn preview(&self, outcome: &impl Show) {
        if !self.manner.json && !self.manner.json_lines && !self.manner.quiet {
            self.talk(&self.in_words(outcome));
        }
    }

    fn in_words(&self, outcome: &impl Show) -> String {
        let mut words = Words::new(self.now);
        outcome.words(&mut words);
        words.text().to_owned()
    }

    /// Says what is going on.
    pub(crate) fn status(&self, text: &str) {
        if !self.manner.quiet {
            self.say("status", None, text);
        }
    }

    /// Says what a person should know.
    pub(crate) fn warning(&self, text: &str) {
        self.say("warning", Some(style::WARNING), text);
    }

    /// Says what to type next.
    pub(crate) fn hint(&self, text: &str) {
        if !self.manner.quiet {
            self.say("hint", Some(style::HINT), text);
        }
    }

    /// Says what only a developer wants to know.
    pub(crate) fn debug(&self, text: &str) {
        if self.manner.debug {
            self.say("debug", Some(style::DIM), text);
        }
    }

    /// Shows an error and returns the code to end with.
    pub(crate) fn fail(&self, error: &CliError) -> Exit {
        if matches!(error.exit, Exit::Unread | Exit::Told) {
            return error.exit;
        }
        if self.manner.json {
            // If stdout is what failed, nobody is left to tell; the exit code says it.
            let _ = self.out.write(&clean::json(&format!("{:#}\n", error.json(&self.invocation))));
        } else if self.manner.json_lines {
            let mut object = error.json(&self.invocation);
            object["v"] = json!(1);
            object["event"] = json!("error");
            self.talk(&clean::json(&format!("{object}\n")));
        } else {
            self.talk(&error.words(&self.invocation));
        }
        error.exit
    }

    /// Returns an error as machines read it, for a document that tells of more than that.
    pub(crate) fn error_document(&self, error: &CliError) -> serde_json::Value {
        error.json(&self.invocation)["error"].take()
    }

    fn say(&self, event: &str, label: Option<anstyle::Style>, text: &str) {
        let line = match label {
            _ if self.manner.json_lines => json!({ "v": 1, "event": event, "text": clean::line(text) }).to_string(),
            Some(style) => format!("{style}{event}:{style:#} {}", clean::line(text)),
            None => clean::line(text),
        };
        self.talk(&format!("{line}\n"));
    }

    /// Writes to stderr. A stderr that is gone is no reason to stop what is being done.
    pub(crate) fn talk(&self, text: &str) {
        let _ = self.err.write(text);
    }

    /// Asks, and returns the line that is typed. Only where there is somebody to ask.
    pub(crate) fn ask(&self, question: &str, cancel: &dam_core::Cancel) -> Result<String, CliError> {
        self.talk(&clean::lines(question));
        Ok(prompt::read_line(cancel).inspect_err(|_| self.talk("\n"))?)
    }

    /// Asks for what nobody else must see. Only where there is somebody to ask.
    pub(crate) fn ask_secret(&self, question: &str, cancel: &dam_core::Cancel) -> Result<String, CliError> {
        self.talk(&clean::lines(question));
        Ok(prompt::read_secret(cancel).inspect_err(|_| self.talk("\n"))?)
    }

    /// Tells whether somebody can be asked.
    pub(crate) fn can_ask(&self) -> bool {
        self.nobody_to_ask().is_none()
    }

    /// Says why nobody can be asked, if so.
    fn nobody_to_ask(&self) -> Option<&'static str> {
        match self.manner {
            Manner { json: true, .. } | Manner { json_lines: true, .. } => Some("a machine reads the answer"),
            _ if self.asks => None,
            _ => Some("there is no terminal to ask on"),
        }
    }

    /// Shows a plan and asks whether to go on. `--yes` answers. Nothing is asked without a terminal or where a machine reads
    /// the answer, which is an error; and nobody is asked about a plan that was not shown.
    pub(crate) fn consent(&self, plan: &impl Show, yes: bool, cancel: &dam_core::Cancel) -> Result<bool, CliError> {
        if yes {
            self.preview(plan);
            return Ok(true);
        }
        if let Some(reason) = self.nobody_to_ask() {
            self.preview(plan);
            return Err(CliError::new("needs-answer", format!("this needs a yes, and {reason}")).hint(Hint::Again {
                before: "",
                after: "--yes",
                note: "",
            }));
        }
        self.talk(&self.in_words(plan));
        let answer = self.ask("\nGo on? [y/N] ", cancel)?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use dam_core::Cancel;
    use dam_core::ledger::Timestamp;

    use super::{Manner, Stream, Ui};
    use crate::invocation::Invocation;
    use crate::show::Unchanged;

    /// Asks about a plan, with somebody at the terminal.
    fn consent(manner: Manner, yes: bool) -> Result<bool, String> {
        let sink = || Stream::new(io::sink(), false);
        let ui = Ui::new(manner, sink(), sink(), true, Invocation::new(&[]), Timestamp(0));
        let plan = Unchanged { app: "shop:1.0".parse().expect("an app") };
        ui.consent(&plan, yes, &Cancel::default()).map_err(|error| error.message)
    }

    #[test]
    fn nobody_is_asked_where_a_machine_reads_the_answer() {
        let manners = [Manner { json: true, ..Manner::default() }, Manner { json_lines: true, ..Manner::default() }];
        for manner in manners {
            assert_eq!(consent(manner, false), Err("this needs a yes, and a machine reads the answer".to_owned()));
            assert_eq!(consent(manner, true), Ok(true));
        }
    }
}
