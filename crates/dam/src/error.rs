//! An error as it is shown: which thing, why, what is true now, and what to type next.

use std::path::{Path, PathBuf};

use dam_core::repo::Repo;
use dam_oci::registry::Server;
use serde::Serialize;
use serde_json::json;

use crate::clean;
use crate::exit::Exit;
use crate::hints;
use crate::invocation::Invocation;

/// Where the bar before foreign words stands: under the text behind `caused by:`.
const BAR: usize = "caused by: ".len();

/// A failed command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CliError {
    /// How dam ends.
    pub(crate) exit: Exit,
    /// The stable name of the fault, such as `damaged`; scripts match on it.
    pub(crate) kind: &'static str,
    /// One sentence without full stop.
    pub(crate) message: String,
    /// The file or folder at fault.
    pub(crate) path: Option<PathBuf>,
    /// What brought it about, nearest first. May have several lines.
    pub(crate) causes: Vec<String>,
    /// The last lines of whatever failed, in its own words.
    pub(crate) said: Vec<String>,
    /// How things stand now, such as `nothing was changed`.
    pub(crate) aftermath: Option<String>,
    /// What to type next.
    pub(crate) hints: Vec<Hint>,
}

/// What to type next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hint {
    /// A command to paste, and what it is good for.
    Command(String, &'static str),
    /// The same command again, with words before and after it.
    Again {
        /// Such as `sudo`.
        before: &'static str,
        /// Such as `--yes`.
        after: &'static str,
        /// What it is good for.
        note: &'static str,
    },
    /// A change of the repo at an address, or a new repo where there is none yet; see [`CliError::of_repos`].
    OfRepo {
        /// The address.
        server: String,
        /// What to say of it, such as `--ca FILE`.
        change: &'static str,
        /// What it is good for.
        note: &'static str,
    },
    /// Something to do that is no command.
    Advice(String),
}

impl Hint {
    /// A command that needs no explanation.
    pub(crate) fn command(command: impl Into<String>) -> Self {
        Self::Command(command.into(), "")
    }

    /// Returns the text and the note.
    fn resolve(&self, invocation: &Invocation) -> (String, &'static str) {
        match self {
            Self::Command(command, note) => (clean::line(command), note),
            Self::Again { before, after, note } => (clean::line(&invocation.again(before, after)), note),
            Self::OfRepo { server, change, note } => {
                let server = crate::invocation::quote(&clean::line(server));
                (format!("dam addrepo --name NAME --server {server} {change}"), note)
            }
            Self::Advice(text) => (clean::line(text), ""),
        }
    }
}

impl CliError {
    /// Makes an error that is one sentence.
    pub(crate) fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Failed,
            kind,
            message: message.into(),
            path: None,
            causes: Vec::new(),
            said: Vec::new(),
            aftermath: None,
            hints: Vec::new(),
        }
    }

    /// Makes the failure that the printed answer has already told of.
    pub(crate) fn told() -> Self {
        Self { exit: Exit::Told, ..Self::new("told", "the answer says what is wrong") }
    }

    /// Makes an error about the command line.
    pub(crate) fn misuse(kind: &'static str, message: impl Into<String>) -> Self {
        Self { exit: Exit::Misused, ..Self::new(kind, message) }
    }

    /// Makes an error about a file operation: `.map_err(CliError::access(&path))`.
    pub(crate) fn access(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let error = dam_core::Error::access(path);
        move |source| error(source).into()
    }

    /// Adds a hint.
    pub(crate) fn hint(mut self, hint: Hint) -> Self {
        self.hints.push(hint);
        self
    }

    /// Names the repos in hints that know an address only.
    pub(crate) fn of_repos(mut self, repos: &[Repo]) -> Self {
        for hint in &mut self.hints {
            if let Hint::OfRepo { server, change, note } = hint
                && let Some(repo) = repos.iter().find(|repo| is_at(repo, server))
            {
                *hint = Hint::Command(format!("dam modifyrepo {} {change}", repo.name), note);
            }
        }
        self
    }

    /// Adds a cause and the causes behind it.
    pub(crate) fn because(mut self, cause: &dyn std::error::Error) -> Self {
        self.causes.push(cause.to_string());
        self.causes.extend(causes(cause));
        self
    }

    /// Returns the lines for people, with colours.
    pub(crate) fn words(&self, invocation: &Invocation) -> String {
        use crate::ui::style;

        let mut text = labelled(style::ERROR, "error", &self.message);
        for cause in &self.causes {
            text += &labelled(style::ERROR, "caused by", cause);
        }
        text.extend(self.said.iter().map(|line| format!("{:BAR$}| {}\n", "", clean::lines(line))));
        text.extend(self.aftermath.iter().map(|aftermath| format!("{}\n", clean::line(aftermath))));
        let hints: Vec<_> = self.hints.iter().map(|hint| hint.resolve(invocation)).collect();
        let noted = hints.iter().filter(|(_, note)| !note.is_empty());
        let width = noted.map(|(hint, _)| hint.chars().count()).max().unwrap_or(0);
        for (hint, note) in hints {
            let line = if note.is_empty() { hint } else { format!("{hint:width$}   {note}") };
            text += &labelled(style::HINT, "hint", &line);
        }
        text
    }

    /// Returns the document for machines.
    pub(crate) fn json(&self, invocation: &Invocation) -> serde_json::Value {
        #[derive(Serialize)]
        struct Fault<'a> {
            kind: &'a str,
            message: String,
            #[serde(skip_serializing_if = "Option::is_none")]
            path: Option<String>,
            causes: Vec<String>,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            said: Vec<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            aftermath: Option<&'a str>,
            hints: Vec<String>,
        }
        json!({ "error": Fault {
            kind: self.kind,
            message: clean::line(&self.message),
            path: self.path.as_ref().map(|path| path.display().to_string()),
            causes: self.causes.iter().map(|cause| clean::lines(cause)).collect(),
            said: self.said.iter().map(|line| clean::lines(line)).collect(),
            aftermath: self.aftermath.as_deref(),
            hints: self.hints.iter().map(|hint| hint.resolve(invocation).0).collect(),
        }})
    }
}

/// Tells whether a repo is at an address, with or without its path.
fn is_at(repo: &Repo, address: &str) -> bool {
    repo.server.to_string() == address
        || address.parse::<Server>().is_ok_and(|server| server.host() == repo.server.host())
}

/// `label: first line`, and further lines behind a bar, so that foreign words cannot pass for dam's own.
fn labelled(style: anstyle::Style, label: &str, text: &str) -> String {
    let text = clean::lines(text);
    let mut lines = text.trim_end().lines();
    let mut shown = format!("{style}{label}:{style:#} {}\n", lines.next().unwrap_or_default());
    for line in lines {
        shown += &format!("{:width$}| {line}\n", "", width = label.len() + 2);
    }
    shown
}

/// Lists what stands behind an error, nearest first; an error that only wraps another says the same and is left out.
fn causes(error: &dyn std::error::Error) -> Vec<String> {
    let all = std::iter::successors(Some(error), |cause| cause.source());
    let mut texts: Vec<String> = all.map(ToString::to_string).collect();
    texts.dedup();
    texts.split_off(1)
}

impl From<dam_core::Error> for CliError {
    fn from(error: dam_core::Error) -> Self {
        let advice = hints::advise(&error);
        let mut shown = Self::new(advice.kind, error.to_string());
        shown.path = advice.path;
        shown.causes = causes(&error);
        shown.causes.extend(advice.causes);
        shown.aftermath = advice.aftermath;
        shown.said = advice.said;
        shown.hints = advice.hints;
        shown
    }
}

impl From<dam_oci::Error> for CliError {
    fn from(error: dam_oci::Error) -> Self {
        dam_core::Error::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{CliError, Hint};
    use crate::invocation::Invocation;

    fn shown(error: &CliError) -> String {
        let invocation = Invocation::new(&["dam", "remove", "shop"].map(Into::into));
        anstream::adapter::strip_str(&error.words(&invocation)).to_string()
    }

    #[test]
    fn the_thing_the_cause_and_the_next_command() {
        let error = dam_core::Error::access("/var/lib/dam")(io::Error::from_raw_os_error(13));
        assert_eq!(
            shown(&error.into()),
            "error: cannot access `/var/lib/dam`\n\
             caused by: Permission denied (os error 13)\n\
             hint: sudo dam remove shop\n"
        );
    }

    #[test]
    fn notes_are_aligned_and_foreign_lines_are_barred() {
        let mut error = CliError::new("hook", "shop 1.0 did not install")
            .hint(Hint::Command("dam doctor".into(), "checks this machine"))
            .hint(Hint::Command("dam history shop --log".into(), "shows all that the hooks printed"));
        error.causes.push("`install` of `shop:1.0` failed with exit status 3\nerror: fake".into());
        error.said.push("no \x1b[2Jspace".into());
        error.aftermath = Some("everything is as before".into());
        assert_eq!(
            shown(&error),
            "error: shop 1.0 did not install\n\
             caused by: `install` of `shop:1.0` failed with exit status 3\n           | error: fake\n           \
             | no space\n\
             everything is as before\n\
             hint: dam doctor               checks this machine\n\
             hint: dam history shop --log   shows all that the hooks printed\n"
        );
    }
}
