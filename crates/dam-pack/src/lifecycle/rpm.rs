//! The scriptlets of an `.rpm`: <https://docs.fedoraproject.org/en-US/packaging-guidelines/Scriptlets/>.
//!
//! `$1` is how many packages of the name are there once the step is over: `%post` 1 is a first install, more is an
//! upgrade; `%preun` and `%postun` 0 are a removal. No macros: they would freeze one generation of systemd.

use std::collections::BTreeMap;

use super::shell::words;
use super::steps::{self, block};
use super::{Lifecycle, collect};
use crate::RpmScript;

/// Renders the scripts that do something.
pub(super) fn scripts(lifecycle: &Lifecycle) -> BTreeMap<RpmScript, String> {
    collect(vec![
        (RpmScript::Post, lifecycle.script("after its files came", &post(lifecycle))),
        (RpmScript::Preun, lifecycle.script("before its files go", &preun(lifecycle))),
        (RpmScript::Postun, lifecycle.script("after its files went", &postun(lifecycle))),
        (RpmScript::Posttrans, lifecycle.script("after the whole transaction", &posttrans(lifecycle))),
    ])
}

/// Renders what runs when the package with the SELinux policy comes or changes. RPM labels files by the policy that is
/// loaded while they are unpacked, and nothing relabels them later: the order of the two packages must not matter.
pub(super) fn triggers(lifecycle: &Lifecycle) -> BTreeMap<String, String> {
    let labels = lifecycle.labels.iter();
    let scripts = labels.filter_map(|labels| {
        let paths: Vec<&str> = labels.paths.iter().chain(&labels.data).map(|path| path.as_str()).collect();
        let steps = if paths.is_empty() { Vec::new() } else { vec![format!("relabel {}", words(paths))] };
        let script = lifecycle.script(&format!("when {} comes", labels.policy), &steps)?;
        Some((labels.policy.to_string(), script))
    });
    scripts.collect()
}

fn post(lifecycle: &Lifecycle) -> Vec<String> {
    let steps = steps::arrive(lifecycle);
    let settles = !steps::settle(lifecycle).is_empty();
    if steps.is_empty() && !settles {
        return Vec::new();
    }
    let mut lines = vec!["event=upgrade".to_owned()];
    lines.extend(block("if [ \"$1\" -eq 1 ]; then", &["event=install".to_owned()]));
    if settles {
        lines.push("note_event \"$event\"".to_owned());
    }
    lines.extend(steps);
    lines
}

fn posttrans(lifecycle: &Lifecycle) -> Vec<String> {
    let steps = steps::settle(lifecycle);
    if steps.is_empty() {
        return Vec::new();
    }
    let mut lines = vec!["event=$(noted_event upgrade)".to_owned()];
    lines.extend(steps);
    lines.push("forget_event".to_owned());
    lines
}

fn preun(lifecycle: &Lifecycle) -> Vec<String> {
    block("if [ \"$1\" -eq 0 ]; then", &steps::leave(lifecycle))
}

/// There is no purge in RPM, so the admin asks for it by a file.
fn postun(lifecycle: &Lifecycle) -> Vec<String> {
    let mut steps = steps::gone(lifecycle);
    steps.extend(block("if [ -e \"$settings/purge\" ]; then", &steps::purge(lifecycle)));
    block("if [ \"$1\" -eq 0 ]; then", &steps)
}
