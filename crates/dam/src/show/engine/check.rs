//! What targets cannot read.

use dam_core::ops::engine::check::Checked;
use dam_pack::check::{Finding, Severity};
use dam_pack::targets::Target;
use serde::Serialize;

use super::targets::named;
use crate::show::{Show, Words, foreign};
use crate::ui::style::{BOLD, ERROR, GOOD, WARNING};

/// All packages of a `dam engine check`.
#[derive(Debug, Serialize)]
pub(crate) struct AllChecked {
    /// The packages, in the order they were named.
    pub(crate) packages: Vec<Checked>,
}

impl Show for AllChecked {
    fn words(&self, words: &mut Words) {
        for (index, checked) in self.packages.iter().enumerate() {
            if index > 0 && !(checked.findings.is_empty() && self.packages[index - 1].findings.is_empty()) {
                words.line("");
            }
            checked.words(words);
        }
    }
}

impl Show for Checked {
    fn words(&self, words: &mut Words) {
        self.findings.iter().for_each(|finding| tell(finding, &self.targets, words));
        let path = foreign(&self.path.display().to_string());
        let warnings = match self.count(Severity::Warning) {
            0 => String::new(),
            1 => ", 1 warning".to_owned(),
            count => format!(", {count} warnings"),
        };
        match self.count(Severity::Fault) {
            0 => words.line(format_args!(
                "{GOOD}✓{GOOD:#} {path}: reads and runs on {}{warnings}",
                whole(&self.targets, &self.targets)
            )),
            faults => {
                let faults = if faults == 1 { "1 fault".to_owned() } else { format!("{faults} faults") };
                let bad = whole(&unfit(self), &self.targets);
                words.line(format_args!("{ERROR}✗{ERROR:#} {path}: {faults}{warnings}; not fit for {bad}"));
            }
        }
    }
}

pub(super) fn tell(finding: &Finding, all: &[Target], words: &mut Words) {
    let Finding { rule, targets, what, why } = finding;
    let (style, sign, severity) = match rule.severity() {
        Severity::Fault => (ERROR, '✗', "fault"),
        Severity::Warning => (WARNING, '!', "warning"),
    };
    words.line(format_args!("{style}{sign}{style:#} {BOLD}{rule}{BOLD:#} {severity}: {}", foreign(what)));
    words.line(format_args!("    {}", foreign(why)));
    words.line(format_args!("    on {}", whole(targets, all)));
}

/// Returns the targets on which it cannot be installed, or does not do what it says.
fn unfit(checked: &Checked) -> Vec<Target> {
    let faults = checked.findings.iter().filter(|finding| finding.rule.severity() == Severity::Fault);
    let mut targets: Vec<Target> = faults.flat_map(|finding| finding.targets.iter().copied()).collect();
    targets.sort_unstable();
    targets.dedup();
    targets
}

/// Names targets, and says so where they are all that were asked about.
fn whole(targets: &[Target], asked: &[Target]) -> String {
    let format = |target: &Target| target.format() == asked[0].format();
    let all = Target::all().filter(format).count();
    match targets.len() {
        count if count == all => format!("all {all} targets of its format"),
        _ => named(targets),
    }
}
