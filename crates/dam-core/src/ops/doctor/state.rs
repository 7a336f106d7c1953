//! What dam has of its own.

use std::io;
use std::path::Path;

use rustix::fs::{StatVfsMountFlags, statvfs};

use super::{Finding, causes};
use crate::Result;
use crate::app::Release;
use crate::ledger::{AppState, Ledger};
use crate::plan::title;

/// Looks at the state folder, or at the nearest parent that is there.
pub(super) fn look_at_folder(root: &Path, findings: &mut Vec<Finding>) {
    let path = root.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("/")).to_owned();
    match statvfs(&path) {
        Err(error) => findings.push(Finding::NotWritable { path, reason: io::Error::from(error).to_string() }),
        Ok(facts) => {
            if facts.f_flag.contains(StatVfsMountFlags::NOEXEC) {
                findings.push(Finding::NoExec { path: path.clone() });
            }
            if let Err(error) = tempfile::tempfile_in(&path) {
                findings.push(Finding::NotWritable { path: path.clone(), reason: error.to_string() });
            }
            findings.push(Finding::Space { path, free: facts.f_bavail * facts.f_frsize });
        }
    }
}

/// Looks at the ledger.
pub(super) fn look_at_ledger(root: &Path, findings: &mut Vec<Finding>) {
    match read_ledger(root) {
        Ok(read) => findings.extend(read),
        Err(error) => findings.push(Finding::LedgerDamaged { causes: causes(&error) }),
    }
}

fn read_ledger(root: &Path) -> Result<Vec<Finding>> {
    let Some(mut ledger) = Ledger::open_existing(root)? else { return Ok(vec![Finding::NoLedger]) };
    let listed = ledger.list()?;
    let mut findings = vec![Finding::Ledger { apps: listed.len() }];
    let broken = listed.into_iter().filter(|app| app.state == AppState::Broken);
    findings.extend(broken.map(|app| Finding::Broken { app: app.id }));
    if let Some(pending) = ledger.pending()? {
        let id = |release: &Release| release.app.id.clone();
        let (old, new) = (pending.old.as_ref().map(id), pending.new.as_ref().map(id));
        findings.push(Finding::Pending { title: title(pending.kind, old.as_ref(), new.as_ref()) });
    }
    Ok(findings)
}
