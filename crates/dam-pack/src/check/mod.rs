//! What of a package the tools of a distribution cannot read, or read otherwise than it means.
//!
//! [`check`] looks at a package that was read and the unit files in it, and names each construct that a target stumbles
//! over, the rule that it breaks, and why. Rules of `.deb` are D.., of `.rpm` R.., of scripts S.., of unit files U..

mod deb;
mod rpm;
mod rule;
mod scripts;
mod unit_files;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::targets::{Profile, Target, Tools};
use crate::units::lint;
use crate::{Construct, PackageView};

pub use rule::{Rule, Severity};
pub(crate) use unit_files::unit_name;
pub use unit_files::{UnitFiles, is_unit_file};

/// Something in a package that some targets cannot read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule it breaks.
    pub rule: Rule,
    /// The targets for which it does, in the order of their table.
    pub targets: Vec<Target>,
    /// What it is: ``relation `(iptables or nftables)` ``.
    pub what: String,
    /// Why it matters, one sentence without full stop.
    pub why: String,
}

impl Serialize for Finding {
    /// Writes `rule`, `severity`, `targets`, `what` and `why`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { rule, targets, what, why } = self;
        let mut fields = serializer.serialize_struct("Finding", 5)?;
        fields.serialize_field("rule", rule)?;
        fields.serialize_field("severity", &rule.severity())?;
        fields.serialize_field("targets", targets)?;
        fields.serialize_field("what", what)?;
        fields.serialize_field("why", why)?;
        fields.end()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} {}: {}", self.rule.id(), self.what, self.why)
    }
}

/// Returns what the targets cannot read, worst first, in the order of the rules. Targets whose packages have another format
/// are left out.
///
/// `units` are the unit files in the package, by path; see [`UnitFiles`].
pub fn check(view: &PackageView, units: &BTreeMap<String, String>, targets: &[Target]) -> Vec<Finding> {
    let targets: BTreeSet<Target> = targets.iter().copied().filter(|target| target.format() == view.format).collect();
    let mut found: BTreeMap<Fault, Vec<Target>> = BTreeMap::new();
    for target in targets {
        let profile = target.profile();
        let mut faults: BTreeSet<Fault> = match profile.tools {
            Tools::Dpkg(dpkg) => deb::faults(view, &dpkg, profile),
            Tools::Rpm(rpm) => rpm::faults(view, &rpm, profile),
        };
        faults.extend(scripts::faults(view, profile));
        faults.extend(unit_faults(units, profile));
        faults.into_iter().for_each(|fault| found.entry(fault).or_default().push(target));
    }
    let finding = |(fault, targets)| {
        let Fault { rule, what, why } = fault;
        Finding { rule, targets, what, why }
    };
    let mut findings: Vec<Finding> = found.into_iter().map(finding).collect();
    findings.sort_by_key(|finding| finding.rule.severity());
    findings
}

/// A finding on one target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Fault {
    rule: Rule,
    what: String,
    why: String,
}

impl Fault {
    fn new(rule: Rule, what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { rule, what: what.into(), why: why.into() }
    }
}

fn unit_faults(units: &BTreeMap<String, String>, profile: &Profile) -> Vec<Fault> {
    let one = |(path, text): (&String, &String)| {
        let findings = lint(text, profile.systemd.value).into_iter();
        let fault = |finding: crate::units::Finding| Fault::new(Rule::Unit(finding.rule), path, finding.to_string());
        findings.map(fault).collect::<Vec<_>>()
    };
    units.iter().flat_map(one).collect()
}

/// Filters that liblzma has had since before any target; numbers 3 to 9 are Delta and those of x86, PowerPC, IA-64, ARM,
/// ARM-Thumb and SPARC: <https://tukaani.org/xz/xz-file-format.txt> §5.3. ARM64 came with 5.4.0, RISC-V with 5.6.0:
/// <https://github.com/tukaani-project/xz/blob/master/NEWS>.
fn unknown_filters(view: &PackageView, rule: Rule, profile: &Profile) -> Vec<Fault> {
    let filter = |construct: &Construct| {
        let Construct::XzFilter { part, id } = construct else { return None };
        let (name, since) = match id {
            3..=9 => return None,
            10 => ("ARM64", "5.4"),
            11 => ("RISC-V", "5.6"),
            _ => {
                let why = "no liblzma reads it".to_owned();
                return Some(Fault::new(rule, format!("{part} with the xz filter {id}"), why));
            }
        };
        let why = format!("liblzma reads it since {since}");
        let is_old = !profile.liblzma.value.is_at_least(since);
        is_old.then(|| Fault::new(rule, format!("{part} with the xz filter for {name}"), why))
    };
    view.constructs.iter().filter_map(filter).collect()
}
