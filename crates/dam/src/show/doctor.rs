//! What `dam doctor` found, and what mends it.

use dam_core::ops::doctor::{Checkup, Finding, Level};

use super::{Show, Words, foreign};
use crate::bytes::Bytes;
use crate::invocation::quote;
use crate::ui::style::{BOLD, ERROR, GOOD, WARNING};

impl Show for Checkup {
    fn words(&self, words: &mut Words) {
        for finding in &self.findings {
            let text = foreign(&text(finding));
            match finding.level() {
                Level::Good => words.line(format_args!("{GOOD}✓{GOOD:#} {text}")),
                Level::Warning => words.line(format_args!("{WARNING}!{WARNING:#} {text}")),
                Level::Fault => words.line(format_args!("{ERROR}✗{ERROR:#} {text}")),
            }
            for remedy in remedies(finding) {
                words.line(format_args!("    {BOLD}{}{BOLD:#}", foreign(&remedy)));
            }
        }
        let count = |level, word: &str| match self.count(level) {
            1 => format!("1 {word}"),
            count => format!("{count} {word}s"),
        };
        words.line(format_args!("{}, {}", count(Level::Fault, "fault"), count(Level::Warning, "warning")));
    }
}

fn text(finding: &Finding) -> String {
    match finding {
        Finding::Store(store) if store.kind == "layout" => format!("Built-in store at {}", store.place),
        Finding::Store(store) => {
            let details: String = store.details.iter().map(|detail| format!(", {detail}")).collect();
            format!("{} {}{details} at {}", store.kind, store.version, store.place)
        }
        Finding::NoStore { causes } => causes.join(": "),
        Finding::NoProgram { program, without } => format!("{program} is missing: {without}"),
        Finding::NoAppArmorParser => {
            "AppArmor is on, but apparmor_parser is missing: containers run without a profile".to_owned()
        }
        Finding::Space { path, free } => format!("{} free on {}", Bytes(*free), path.display()),
        Finding::NoExec { path } => format!("{} is mounted noexec: hooks cannot run there", path.display()),
        Finding::NotWritable { path, reason } => format!("{} cannot be written to: {reason}", path.display()),
        Finding::NoLedger => "Nothing is installed yet".to_owned(),
        Finding::Ledger { apps: 1 } => "The ledger is sound, 1 app is installed".to_owned(),
        Finding::Ledger { apps } => format!("The ledger is sound, {apps} apps are installed"),
        Finding::LedgerDamaged { causes } => causes.join(": "),
        Finding::Pending { title } => format!("The {title} was cut off"),
        Finding::Broken { app } => format!("The last change of {app} failed and could not be undone"),
        Finding::Legacy { path } => format!("DAM 1.x has a database in {}", path.display()),
    }
}

/// Returns the commands that mend it, to be pasted.
fn remedies(finding: &Finding) -> Vec<String> {
    let quoted = |path: &std::path::Path| quote(&path.display().to_string());
    match finding {
        Finding::Store(_) | Finding::NoLedger | Finding::Ledger { .. } => vec![],
        Finding::NoStore { causes } if causes.iter().any(|cause| cause.to_lowercase().contains("permission")) => {
            vec!["sudo usermod -aG docker $USER      then log in again".to_owned()]
        }
        Finding::NoStore { .. } => {
            vec![
                "sudo systemctl start docker".to_owned(),
                "dam --store layout …      works without an engine".to_owned(),
            ]
        }
        Finding::NoProgram { program, .. } => vec![format!("apt install {program}")],
        Finding::NoAppArmorParser => vec!["apt install apparmor".to_owned()],
        Finding::Space { .. } if finding.level() == Level::Good => vec![],
        Finding::Space { .. } => vec!["dam purge".to_owned()],
        Finding::NoExec { path } => vec![format!("mount -o remount,exec {}", quoted(path))],
        Finding::NotWritable { path, .. } => {
            vec![format!("ls -ld {}      says whose it is", quoted(path)), "sudo dam …".to_owned()]
        }
        Finding::LedgerDamaged { .. } => {
            vec!["mv ledger.db ledger.db.damaged      then install the apps again".to_owned()]
        }
        Finding::Pending { .. } => vec!["dam verify      finishes or undoes it".to_owned()],
        Finding::Broken { app } => vec![format!("dam history {} --log", app.name)],
        Finding::Legacy { .. } => vec!["dam migrate".to_owned()],
    }
}
