//! `docs/commands`: one page for each command, and a list of them.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, Command};

use super::{Named, Page, commands, visible};

const MADE: &str = "<!-- Made by `make docs` from crates/dam/src/args; do not edit. -->\n";
const GLOBAL: &str = "Global options";

/// Makes all pages; the list is `README.md`.
pub(crate) fn markdown_pages(definition: &Command) -> Vec<Page> {
    let commands = commands(definition);
    let pages = commands.iter().map(|command| Page { name: file(command), text: page(command) });
    std::iter::once(Page { name: "README.md".to_owned(), text: list(definition, &commands) }).chain(pages).collect()
}

fn file(command: &Named) -> String {
    format!("{}.md", command.name.replace(' ', "-"))
}

fn list(definition: &Command, commands: &[Named]) -> String {
    let mut text = format!("{MADE}# Commands\n\n| command | what it does |\n|---|---|\n");
    for command in commands {
        let about = command.command.get_about().map(ToString::to_string).unwrap_or_default();
        add(&mut text, format_args!("| [`dam {}`]({}) | {} |", command.name, file(command), cell(&about)));
    }
    text += "\n## Global options\n\nEvery command takes these, before or behind its own.\n\n";
    options(&mut text, definition, true);
    text
}

fn page(Named { name, command }: &Named) -> String {
    let mut text = format!("{MADE}# dam {name}\n\n");
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let (first, rest) = about.split_once('\n').unwrap_or((&about, ""));
    add(&mut text, format_args!("{first}.\n"));
    if !rest.trim().is_empty() {
        add(&mut text, format_args!("{}\n", rest.trim()));
    }
    let usage = (*command).clone().render_usage().to_string();
    add(&mut text, format_args!("```\n{}\n```\n", usage.trim_start_matches("Usage:").trim()));
    let aliases: Vec<_> = command.get_visible_aliases().map(|alias| format!("`dam {alias}`")).collect();
    if !aliases.is_empty() {
        add(&mut text, format_args!("Short form: {}.\n", aliases.join(", ")));
    }
    below(&mut text, name, command);
    arguments(&mut text, command);
    if command.get_opts().any(|option| !is_global(option)) || command.get_arguments().any(is_own_flag) {
        text += "## Options\n\n";
        options(&mut text, command, false);
        text += "\n";
    }
    if let Some(examples) = command.get_after_help() {
        let examples = examples.to_string();
        let lines = examples.lines().skip(1).map(|line| line.trim_start());
        add(&mut text, format_args!("## Examples\n\n```\n{}\n```\n", lines.collect::<Vec<_>>().join("\n")));
    }
    text += "See also the [global options](README.md#global-options).\n";
    text
}

/// Lists the commands right below one.
fn below(text: &mut String, name: &str, command: &Command) {
    let mut commands = visible(command).peekable();
    if commands.peek().is_none() {
        return;
    }
    *text += "## Commands\n\n";
    for command in commands {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let last = command.get_name();
        let page = format!("{}-{last}.md", name.replace(' ', "-"));
        add(text, format_args!("- [`dam {name} {last}`]({page}): {about}"));
    }
    *text += "\n";
}

fn arguments(text: &mut String, command: &Command) {
    let mut positionals = command.get_positionals().peekable();
    if positionals.peek().is_none() {
        return;
    }
    *text += "## Arguments\n\n";
    for argument in positionals {
        add(text, format_args!("- `{}`: {}", values(argument), help(argument)));
    }
    *text += "\n";
}

fn options(text: &mut String, command: &Command, global: bool) {
    let shown = |argument: &&Arg| {
        !argument.is_positional() && !argument.is_hide_set() && is_global(argument) == global && !is_built_in(argument)
    };
    for option in command.get_arguments().filter(shown) {
        let short = option.get_short().map(|short| format!("`-{short}`, ")).unwrap_or_default();
        let long = option.get_long().expect("every option has a long name");
        let value = if takes_value(option) { format!(" {}", values(option)) } else { String::new() };
        add(text, format_args!("- {short}`--{long}{value}`: {}", help(option)));
    }
}

fn help(argument: &Arg) -> String {
    let mut text = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let possible: Vec<_> =
        argument.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    if takes_value(argument) && !possible.is_empty() {
        write!(text, " (one of {})", possible.join(", ")).expect("a String takes everything");
    }
    let defaults: Vec<_> = argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if takes_value(argument) && !defaults.is_empty() {
        write!(text, " [default: {}]", defaults.join(" ")).expect("a String takes everything");
    }
    text
}

fn values(argument: &Arg) -> String {
    let names = argument.get_value_names().map(|names| names.iter().map(|name| name.as_str()).collect::<Vec<_>>());
    let names = names.unwrap_or_default().join(" ");
    if names.is_empty() { argument.get_id().as_str().to_uppercase() } else { names }
}

fn takes_value(argument: &Arg) -> bool {
    matches!(argument.get_action(), ArgAction::Set | ArgAction::Append)
}

fn is_own_flag(argument: &Arg) -> bool {
    !argument.is_positional() && !is_global(argument) && !is_built_in(argument)
}

fn is_global(argument: &Arg) -> bool {
    argument.get_help_heading() == Some(GLOBAL)
}

fn is_built_in(argument: &Arg) -> bool {
    matches!(argument.get_action(), ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version)
}

/// A bar would end the cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn add(text: &mut String, line: std::fmt::Arguments) {
    writeln!(text, "{line}").expect("a String takes everything");
}
