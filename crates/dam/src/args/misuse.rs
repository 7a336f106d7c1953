//! Says in dam's own words what clap found wrong.

use std::error::Error as _;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Refusal;
use crate::error::{CliError, Hint};

/// Turns what clap says into help or an error. `command` is what was understood before the fault, such as `dam install`.
pub(super) fn explain(fault: &clap::Error, command: &str) -> Refusal {
    match fault.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Refusal::Help(fault.render().ansi().to_string())
        }
        _ => {
            let hint = Hint::command(format!("{command} --help"));
            Refusal::Misuse(CliError::misuse("usage", message(fault, command)).hint(hint))
        }
    }
}

fn message(fault: &clap::Error, command: &str) -> String {
    let invalid = |kind| text(fault, kind).unwrap_or_default();
    // Of several, clap puts the likeliest last.
    let suggestion = |kind| match fault.get(kind) {
        Some(ContextValue::String(word)) => format!("; did you mean `{word}`?"),
        Some(ContextValue::Strings(words)) if !words.is_empty() => {
            format!("; did you mean `{}`?", words[words.len() - 1])
        }
        _ => String::new(),
    };
    match fault.kind() {
        ErrorKind::InvalidSubcommand => {
            format!(
                "no command `{}`{}",
                invalid(ContextKind::InvalidSubcommand),
                suggestion(ContextKind::SuggestedSubcommand)
            )
        }
        ErrorKind::UnknownArgument => {
            let word = invalid(ContextKind::InvalidArg);
            let suggestion = suggestion(ContextKind::SuggestedArg);
            match word.starts_with('-') {
                true => format!("`{command}` has no option `{word}`{suggestion}"),
                false => format!("`{command}` takes no further word: `{word}`"),
            }
        }
        ErrorKind::MissingRequiredArgument => {
            format!("`{command}` needs {}", invalid(ContextKind::InvalidArg))
        }
        ErrorKind::ValueValidation => match fault.source() {
            Some(reason) => reason.to_string(),
            None => first_line(fault),
        },
        ErrorKind::InvalidValue => match invalid(ContextKind::InvalidValue).as_str() {
            "" => format!("{} needs a value", invalid(ContextKind::InvalidArg)),
            value => format!(
                "{} takes one of {}, not `{value}`",
                invalid(ContextKind::InvalidArg),
                invalid(ContextKind::ValidValue)
            ),
        },
        ErrorKind::ArgumentConflict if text(fault, ContextKind::PriorArg).is_some() => {
            let (one, other) = (invalid(ContextKind::InvalidArg), invalid(ContextKind::PriorArg));
            match one == other {
                true => format!("{one} is given twice"),
                false => format!("{one} and {other} exclude each other"),
            }
        }
        _ => first_line(fault),
    }
}

/// Returns the context as text; lists are joined by commas.
fn text(fault: &clap::Error, kind: ContextKind) -> Option<String> {
    match fault.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => Some(texts.join(", ")),
        ContextValue::StyledStr(text) => Some(text.to_string()),
        _ => None,
    }
}

/// Returns what clap itself says, without its label.
fn first_line(fault: &clap::Error) -> String {
    let text = fault.render().to_string();
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).replace('\'', "`")
}
