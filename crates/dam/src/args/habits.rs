//! Spellings that DAM 1.x took and clap does not.

use std::collections::BTreeSet;
use std::ffi::OsString;

use clap::ArgAction;

/// Reads `--flag=true` as `--flag`, and takes `--flag=false` out or reads it as `--no-flag` where there is such a flag,
/// for every flag that takes no value. Rejected: flags with an optional value, which would put `[=<BOOL>]` behind each
/// in the help.
pub(super) fn apply(definition: &clap::Command, args: Vec<OsString>) -> Vec<OsString> {
    let mut flags = BTreeSet::new();
    collect(definition, &mut flags);
    let mut options = true;
    args.into_iter()
        .filter_map(|arg| {
            options = options && arg != "--";
            match arg.to_str().and_then(|text| text.split_once('=')) {
                Some((flag, value)) if options && flags.contains(flag) => match value {
                    "true" => Some(flag.into()),
                    "false" => Some(format!("--no-{}", flag.trim_start_matches('-')))
                        .filter(|opposite| flags.contains(opposite))
                        .map(OsString::from),
                    _ => Some(arg),
                },
                _ => Some(arg),
            }
        })
        .collect()
}

fn collect(command: &clap::Command, flags: &mut BTreeSet<String>) {
    let arguments = command.get_arguments().filter(|argument| matches!(argument.get_action(), ArgAction::SetTrue));
    flags.extend(arguments.filter_map(|argument| argument.get_long()).map(|long| format!("--{long}")));
    command.get_subcommands().for_each(|command| collect(command, flags));
}
