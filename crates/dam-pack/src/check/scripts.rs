//! Rules of scripts.

use std::collections::BTreeSet;

use crate::PackageView;
use crate::check::{Fault, Rule};
use crate::targets::Profile;

/// Words of `systemctl`, and the version that first knew them: <https://github.com/systemd/systemd/blob/main/NEWS>.
const SYSTEMCTL: [(&str, u16); 14] = [
    ("--now", 220),
    ("--value", 230),
    ("revert", 230),
    ("--wait", 232),
    ("--what", 243),
    ("clean", 243),
    ("log-level", 244),
    ("--with-dependencies", 245),
    ("freeze", 246),
    ("thaw", 246),
    ("--marked", 248),
    ("bind", 248),
    ("--drop-in", 253),
    ("--when", 254),
];

/// Programs, and the version that first had them. RHEL 7's 219 is built without the first, as is remembered.
const PROGRAMS: [(&str, u16); 6] = [
    ("systemd-sysusers", 220),
    ("systemd-mount", 232),
    ("systemd-umount", 232),
    ("systemd-id128", 233),
    ("systemd-update-helper", 248),
    ("systemd-creds", 250),
];

/// Finds calls of what the target's systemd has not. Shell scripts are read, not run: what they hide in variables is not
/// found. A program that the script looks for before it calls it is no fault.
pub(super) fn faults(view: &PackageView, profile: &Profile) -> BTreeSet<Fault> {
    let mut faults = BTreeSet::new();
    let is_shell = |interpreter: &str| matches!(program(interpreter), "sh" | "bash" | "dash");
    let shells = view.scripts.iter().filter(|script| is_shell(script.interpreter.split(' ').next().unwrap_or("")));
    for script in shells {
        let text = script.text.replace("\\\n", " ");
        let guarded = guarded(&text);
        for command in commands(&text) {
            for (called, since) in newer(&command, profile.systemd.value, &guarded) {
                let what = format!("`{called}` in {}", script.place);
                faults.insert(Fault::new(Rule::Tool, what, format!("systemd has it since {since}")));
            }
        }
    }
    faults
}

/// Returns what a command calls that is newer than a version of systemd.
fn newer(command: &[&str], version: u16, guarded: &BTreeSet<&str>) -> Vec<(String, u16)> {
    let mut found = Vec::new();
    let names: Vec<&str> = command.iter().map(|word| program(word)).collect();
    for (name, since) in PROGRAMS {
        if names.contains(&name) && since > version && !guarded.contains(name) {
            found.push((name.to_owned(), since));
        }
    }
    if let Some(at) = names.iter().position(|name| *name == "systemctl") {
        let words = &command[at + 1..];
        for (word, since) in SYSTEMCTL {
            let is_meant = |given: &&str| given.split('=').next() == Some(word);
            if since > version && words.iter().any(is_meant) {
                found.push((format!("systemctl {word}"), since));
            }
        }
    }
    found
}

/// Returns the programs whose presence is asked: `command -v X`, `[ -x /usr/bin/X ]`.
fn guarded(text: &str) -> BTreeSet<&str> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let asks = |pair: &&[&str]| matches!(pair[0], "-v" | "-x" | "-e" | "-f" | "which" | "type");
    words.windows(2).filter(asks).map(|pair| program(pair[1])).collect()
}

/// Parts a script into commands of words, roughly: what is said to the admin and what is asked are none.
fn commands(text: &str) -> Vec<Vec<&str>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let pieces = lines.flat_map(|line| line.split([';', '|', '&', '(', ')', '`', '{', '}']));
    let words = pieces.map(|piece| {
        let words = piece.split_whitespace();
        words.skip_while(|word| matches!(*word, "if" | "elif" | "then" | "else" | "do" | "while" | "!")).collect()
    });
    let is_call = |words: &Vec<&str>| {
        !matches!(
            words.first().copied(),
            None | Some("echo" | "say" | "printf" | "command" | "[" | "test" | "type" | "which")
        )
    };
    words.filter(is_call).collect()
}

/// Returns the name of a program, without folder and quotes.
fn program(word: &str) -> &str {
    let word = word.trim_matches(['"', '\'']);
    word.rsplit('/').next().unwrap_or(word)
}
