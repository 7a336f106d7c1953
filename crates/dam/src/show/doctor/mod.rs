//! What `dam doctor` found, and what mends it.

mod engine;
mod mend;

use dam_core::engine::host::Distribution;
use dam_core::ops::doctor::{Checkup, Finding, Level};
use serde::Serialize;

use super::{Show, Words, foreign};
use crate::bytes::Bytes;
use crate::ui::style::{BOLD, ERROR, GOOD, WARNING};

/// What was found, with the commands that mend it.
#[derive(Debug, Serialize)]
pub(crate) struct Doctor {
    distribution: Distribution,
    findings: Vec<Told>,
}

/// A finding and what mends it.
#[derive(Debug, Serialize)]
struct Told {
    #[serde(flatten)]
    finding: Finding,
    level: Level,
    /// Lines to be pasted.
    mend: Vec<String>,
}

impl Doctor {
    /// Finds the commands that mend what was found on this distribution. Root needs no `sudo`, which a small machine may
    /// not have.
    pub(crate) fn new(checkup: Checkup, privileged: bool) -> Self {
        let Checkup { distribution, findings } = checkup;
        let told = |finding: Finding| {
            let mut mend = mend::remedies(&finding, &distribution);
            if privileged {
                mend.iter_mut().for_each(|line| *line = line.replace("sudo ", ""));
            }
            Told { level: finding.level(), mend, finding }
        };
        let findings = findings.into_iter().map(told).collect();
        Self { findings, distribution }
    }
}

impl Show for Doctor {
    fn words(&self, words: &mut Words) {
        for Told { finding, level, mend } in &self.findings {
            let text = foreign(&text(finding));
            match level {
                Level::Good => words.line(format_args!("{GOOD}✓{GOOD:#} {text}")),
                Level::Warning => words.line(format_args!("{WARNING}!{WARNING:#} {text}")),
                Level::Fault => words.line(format_args!("{ERROR}✗{ERROR:#} {text}")),
            }
            for remedy in mend {
                words.line(format_args!("    {BOLD}{}{BOLD:#}", foreign(remedy)));
            }
        }
        let count = |level, word: &str| match self.findings.iter().filter(|told| told.level == level).count() {
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
        Finding::Engine(finding) => engine::text(finding),
    }
}

#[cfg(test)]
mod tests {
    use dam_core::engine::host::{Boot, Distribution, EngineFinding, Installer, examples};
    use dam_core::ops::doctor::{Finding, Level};

    use super::{mend, text};

    fn distribution(id: &str, installer: Option<Installer>, boot: Option<Boot>) -> Distribution {
        Distribution { id: id.to_owned(), version: String::new(), name: id.to_owned(), installer, boot }
    }

    fn distributions() -> [Distribution; 8] {
        let of = |id, installer, boot| distribution(id, Some(installer), Some(boot));
        [
            of("debian", Installer::AptGet, Boot::UpdateGrub),
            of("ubuntu", Installer::AptGet, Boot::UpdateGrub),
            of("raspbian", Installer::AptGet, Boot::FirmwareCmdline),
            of("raspbian", Installer::AptGet, Boot::BootCmdline),
            of("fedora", Installer::Dnf, Boot::Grubby),
            of("centos", Installer::Yum, Boot::Grubby),
            of("opensuse-leap", Installer::Zypper, Boot::Grub2Mkconfig),
            distribution("nixos", None, None),
        ]
    }

    fn name(finding: &EngineFinding) -> String {
        serde_json::to_value(finding).expect("JSON")["finding"].as_str().expect("a name").to_owned()
    }

    #[test]
    fn whatever_is_wrong_has_a_command_that_mends_it() {
        for finding in examples() {
            let good = finding.level() == Level::Good;
            for distribution in distributions() {
                let lines = mend::remedies(&Finding::Engine(finding.clone()), &distribution);
                assert_eq!(lines.is_empty(), good, "{finding:?} on {}", distribution.id);
                assert!(lines.iter().all(|line| !line.contains('\n')), "{lines:?}");
            }
        }
    }

    #[test]
    fn every_finding_is_one_line() {
        for finding in examples() {
            let text = text(&Finding::Engine(finding));
            assert!(!text.contains('\n') && !text.ends_with('.') && text.len() < 160, "{text}");
        }
    }

    #[test]
    fn the_docs_have_the_words_and_the_commands_of_debian() {
        let page = include_str!("../../../../../docs/engine-doctor.md");
        let [debian, ..] = distributions();
        for finding in examples() {
            let (name, words) = (name(&finding), text(&Finding::Engine(finding.clone())));
            let section = page.split("\n### ").find(|section| section.starts_with(&format!("`{name}`\n")));
            let section = section.unwrap_or_else(|| panic!("{name} is not there"));
            assert!(section.contains(&words), "{name}: {words}");
            for line in mend::remedies(&Finding::Engine(finding), &debian) {
                assert!(section.lines().any(|known| known == line), "{name}: {line}");
            }
        }
    }
}
