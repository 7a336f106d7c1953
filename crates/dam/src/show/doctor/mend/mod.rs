//! Which commands mend what was found.

mod engine;
mod machine;

use std::path::Path;

use dam_core::engine::host::Distribution;
use dam_core::ops::doctor::{Finding, Level};

use crate::invocation::quote;

/// Returns the commands that mend it on this distribution, to be pasted.
pub(super) fn remedies(finding: &Finding, distribution: &Distribution) -> Vec<String> {
    match finding {
        Finding::Store(_) | Finding::NoLedger | Finding::Ledger { .. } => vec![],
        Finding::NoStore { causes } if causes.iter().any(|cause| cause.to_lowercase().contains("permission")) => {
            vec!["sudo usermod -aG docker $USER      # then log in again".to_owned()]
        }
        Finding::NoStore { .. } => {
            vec![
                "sudo systemctl start docker".to_owned(),
                "dam --store layout …      # works without an engine".to_owned(),
            ]
        }
        Finding::Space { .. } if finding.level() == Level::Good => vec![],
        Finding::Space { .. } => vec!["dam purge".to_owned()],
        Finding::NoExec { path } => vec![format!("sudo mount -o remount,exec {}", quoted(path))],
        Finding::NotWritable { path, .. } => {
            vec![format!("ls -ld {}      # says whose it is", quoted(path)), "sudo dam …".to_owned()]
        }
        Finding::LedgerDamaged { .. } => {
            vec!["mv ledger.db ledger.db.damaged      # then install the apps again".to_owned()]
        }
        Finding::Pending { .. } => vec!["dam verify      # finishes or undoes it".to_owned()],
        Finding::Broken { app } => vec![format!("dam history {} --log", app.name)],
        Finding::Legacy { .. } => vec!["dam migrate".to_owned()],
        Finding::Engine(finding) => engine::remedies(finding, distribution),
    }
}

fn quoted(path: &Path) -> String {
    quote(&path.display().to_string())
}
