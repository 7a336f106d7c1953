//! The maintainer scripts of a `.deb`: <https://www.debian.org/doc/debian-policy/ch-maintainerscripts.html>.

use std::collections::BTreeMap;

use super::shell::indented;
use super::{Lifecycle, collect, steps};
use crate::DebScript;

/// Renders the scripts that do something.
pub(super) fn scripts(lifecycle: &Lifecycle) -> BTreeMap<DebScript, String> {
    collect(vec![
        (DebScript::Preinst, lifecycle.script("before its files come", &preinst(lifecycle))),
        (DebScript::Postinst, lifecycle.script("after its files came", &postinst(lifecycle))),
        (DebScript::Prerm, lifecycle.script("before its files go", &prerm(lifecycle))),
        (DebScript::Postrm, lifecycle.script("after its files went", &postrm(lifecycle))),
    ])
}

/// `postinst configure` gets the version that was configured last, even if it has been removed since; only `preinst`
/// knows whether there is something to upgrade. Policy 6.5, 6.6.
fn preinst(lifecycle: &Lifecycle) -> Vec<String> {
    if steps::settle(lifecycle).is_empty() && lifecycle.configs.is_empty() {
        return Vec::new();
    }
    choice("preinst", &[("install | upgrade", vec!["note_event \"$1\"".to_owned()]), ("abort-upgrade", Vec::new())])
}

fn postinst(lifecycle: &Lifecycle) -> Vec<String> {
    let steps: Vec<String> = [steps::arrive(lifecycle), steps::settle(lifecycle)].concat();
    if steps.is_empty() {
        return Vec::new();
    }
    let mut configure = vec!["event=$(noted_event \"${2:+upgrade}\")".to_owned(), "event=${event:-install}".to_owned()];
    configure.extend(steps);
    configure.push("forget_event".to_owned());
    let again = if lifecycle.services.is_empty() { Vec::new() } else { vec!["start_stopped".to_owned()] };
    choice(
        "postinst",
        &[
            ("configure", configure),
            ("abort-remove", again),
            ("abort-upgrade | abort-deconfigure | triggered", Vec::new()),
        ],
    )
}

fn prerm(lifecycle: &Lifecycle) -> Vec<String> {
    let steps = steps::leave(lifecycle);
    if steps.is_empty() {
        return Vec::new();
    }
    choice("prerm", &[("remove", steps), ("upgrade | deconfigure | failed-upgrade", Vec::new())])
}

fn postrm(lifecycle: &Lifecycle) -> Vec<String> {
    choice(
        "postrm",
        &[
            ("remove", steps::gone(lifecycle)),
            ("purge", steps::purge(lifecycle)),
            ("abort-install | abort-upgrade", vec!["forget_event".to_owned()]),
            ("upgrade | failed-upgrade | disappear", Vec::new()),
        ],
    )
}

/// Returns a `case` over the first argument. A word that policy does not know is an error, for it may mean anything.
fn choice(script: &str, arms: &[(&str, Vec<String>)]) -> Vec<String> {
    let mut lines = vec!["case \"$1\" in".to_owned()];
    for (words, steps) in arms {
        if steps.is_empty() {
            lines.push(format!("{words}) ;;"));
            continue;
        }
        lines.push(format!("{words})"));
        lines.extend(indented(steps));
        lines.push("    ;;".to_owned());
    }
    let unknown = format!("    say \"{script} is called with the unknown word $1\"");
    lines.extend(["*)".to_owned(), unknown, "    exit 1".to_owned(), "    ;;".to_owned(), "esac".to_owned()]);
    lines
}
