//! Which changes are allowed, and the steps they take. Pure: reads facts, touches nothing.

use std::cmp::Ordering;

use super::{Plan, RuleFault, Side, Step};
use crate::app::{App, AppId, HookName, Release, Version};
use crate::ledger::{Installed, OperationKind, Source};
use crate::version_order;

/// Plans the installation of `new` beside what is `installed`. `load` says that its image is not in the store yet.
pub fn install(installed: &[Installed], new: Release, source: Source, load: bool) -> Result<Plan, RuleFault> {
    refuse_duplicate(installed, &new)?;
    refuse_company(installed, &new.app)?;
    let mut steps = arrive(&new, load);
    run(&mut steps, &new.app, Side::New, &[HookName::Install, HookName::Health]);
    Ok(Plan { kind: OperationKind::Install, old: None, new: Some(new), source, store: None, steps })
}

/// Whether an upgrade may go to an older version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Downgrade {
    /// It may.
    Allow,
    /// It may not.
    Refuse,
}

/// Plans the replacement of the installed version of `new` by `new`. The same version with another image is a
/// legitimate upgrade: it was built anew. Where several versions are installed, `replace` says which goes; without it,
/// it is the same version, if that is there.
pub fn upgrade(
    installed: &[Installed],
    new: Release,
    source: Source,
    load: bool,
    replace_version: Option<&Version>,
    downgrade: Downgrade,
) -> Result<Plan, RuleFault> {
    let old = replaced(installed, &new.app.id, replace_version)?.clone();
    let order = version_order::compare(&new.app.id.version, &old.app.id.version);
    if order == Ordering::Equal && is_same(&old, &new) {
        return Err(RuleFault::AlreadyInstalled(old.app.id));
    }
    if order == Ordering::Less && downgrade == Downgrade::Refuse {
        return Err(RuleFault::Downgrade { old: old.app.id, new: new.app.id });
    }
    refuse_beside(installed, &new.app, &old.app)?;
    let way = Way::of(OperationKind::Upgrade, &new.app);
    Ok(replace(OperationKind::Upgrade, old, new, source, load, way))
}

/// Finds the installed release that an upgrade to `new` takes the place of.
fn replaced<'a>(installed: &'a [Installed], new: &AppId, version: Option<&Version>) -> Result<&'a Release, RuleFault> {
    let same_name = || installed.iter().map(|one| &one.release).filter(|one| one.app.id.name == new.name);
    let of = |version: &Version| same_name().find(|one| one.app.id.version == *version);
    if let Some(version) = version {
        let wanted = AppId { name: new.name.clone(), version: version.clone() };
        return of(version).ok_or_else(|| RuleFault::NotInstalled(wanted.to_string()));
    }
    match (of(&new.version), same_name().next(), same_name().nth(1)) {
        (None, None, _) => Err(RuleFault::NothingToUpgrade(new.name.clone())),
        (Some(only), ..) | (None, Some(only), None) => Ok(only),
        (None, Some(_), Some(_)) => {
            let versions = same_name().map(|one| one.app.id.clone()).collect();
            Err(RuleFault::SeveralToUpgrade { name: new.name.clone(), versions })
        }
    }
}

/// Plans the return of `current` to the version it replaced.
pub fn rollback(installed: &[Installed], current: &Installed) -> Result<Plan, RuleFault> {
    let old = current.release.clone();
    let Some(new) = current.previous.clone() else { return Err(RuleFault::NoPrevious(old.app.id)) };
    refuse_beside(installed, &new.app, &old.app)?;
    Ok(replace(OperationKind::Rollback, old, new, Source::Store, false, Way::Anew))
}

/// Plans the removal of `current`; `drop` says that its image goes too.
pub fn remove(current: &Installed, drop: bool) -> Plan {
    let old = current.release.clone();
    let mut steps = vec![Step::Run { side: Side::Old, hook: HookName::Uninstall }];
    if drop {
        steps.push(Step::Drop);
    }
    Plan { kind: OperationKind::Remove, old: Some(old), new: None, source: current.source.clone(), store: None, steps }
}

/// Finds the installed app that `[registry/]name[:version]` means.
pub fn find<'a>(installed: &'a [Installed], text: &str) -> Result<&'a Installed, RuleFault> {
    let by_version = installed.iter().find(|one| {
        let app = &one.release.app;
        app.id.to_string() == text || app.reference.to_string() == text
    });
    let mut by_name = installed.iter().filter(|one| {
        let app = &one.release.app;
        app.id.name.as_str() == text || app.reference.to_string() == format!("{text}:{}", app.id.version)
    });
    match (by_version, by_name.next(), by_name.next()) {
        (Some(exact), _, _) | (None, Some(exact), None) => Ok(exact),
        (None, Some(first), Some(_)) => Err(ambiguous(installed, &first.release.app)),
        (None, None, _) => Err(RuleFault::NotInstalled(text.to_owned())),
    }
}

/// How a new app takes the place of an old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The old one is uninstalled, the new one installed.
    Anew,
    /// The new one's `upgrade` does it.
    Upgrade,
}

impl Way {
    pub(super) fn of(kind: OperationKind, new: &App) -> Self {
        if new.has(HookName::Upgrade) && kind == OperationKind::Upgrade { Self::Upgrade } else { Self::Anew }
    }
}

pub(super) fn replace(kind: OperationKind, old: Release, new: Release, source: Source, load: bool, way: Way) -> Plan {
    let mut steps = arrive(&new, load);
    match way {
        Way::Upgrade => run(&mut steps, &new.app, Side::New, &[HookName::Upgrade]),
        Way::Anew => {
            run(&mut steps, &old.app, Side::Old, &[HookName::Uninstall]);
            run(&mut steps, &new.app, Side::New, &[HookName::Install]);
        }
    }
    run(&mut steps, &new.app, Side::New, &[HookName::Health]);
    Plan { kind, old: Some(old), new: Some(new), source, store: None, steps }
}

/// The steps that touch nothing that runs: load, tags, preflight.
pub(super) fn arrive(new: &Release, load: bool) -> Vec<Step> {
    let mut steps = Vec::new();
    if load {
        steps.push(Step::Load { bytes: new.size, tagged: true, promised: false });
    } else {
        // Found by another tag, or untagged since: the hooks of the app expect its own name to work.
        steps.push(Step::Tag { reference: new.app.reference.clone(), take: true });
    }
    // DAM 1.x leaves a server's tag alone where any image has it.
    steps.extend(
        new.app.more_references.iter().map(|reference| Step::Tag { reference: reference.clone(), take: false }),
    );
    run(&mut steps, &new.app, Side::New, &[HookName::Check]);
    steps
}

pub(super) fn run(steps: &mut Vec<Step>, app: &App, side: Side, hooks: &[HookName]) {
    steps.extend(hooks.iter().filter(|hook| app.has(**hook)).map(|&hook| Step::Run { side, hook }));
}

/// Tells whether both are the same content: the same `/meta` over the same layers, whatever id the store gives it.
pub(super) fn is_same(one: &Release, other: &Release) -> bool {
    one.meta == other.meta && one.diff_ids == other.diff_ids && one.app == other.app
}

fn refuse_duplicate(installed: &[Installed], new: &Release) -> Result<(), RuleFault> {
    match installed.iter().find(|one| one.release.app.id == new.app.id) {
        None => Ok(()),
        Some(one) if is_same(&one.release, new) => Err(RuleFault::AlreadyInstalled(new.app.id.clone())),
        Some(_) => Err(RuleFault::OtherImage(new.app.id.clone())),
    }
}

/// Two versions stand side by side only if both allow it.
fn refuse_other_version(installed: &[Installed], new: &App) -> Result<(), RuleFault> {
    let other = installed.iter().map(|one| &one.release.app).find(|app| {
        app.id.name == new.id.name && app.id.version != new.id.version && !(app.multiversion && new.multiversion)
    });
    match other {
        None => Ok(()),
        Some(app) => Err(RuleFault::OtherVersion { installed: app.id.clone(), wanted: new.id.clone() }),
    }
}

/// Apps of one family exclude each other unless both allow company. DAM 1.x asked only the newcomer.
fn refuse_family(installed: &[Installed], new: &App) -> Result<(), RuleFault> {
    let mut apps = installed.iter().map(|one| &one.release.app);
    let other = apps.find(|app| app.family == new.family && !(app.multiversion && new.multiversion));
    match other {
        None => Ok(()),
        Some(app) => Err(RuleFault::FamilyTaken {
            family: new.family.clone(),
            installed: app.id.clone(),
            wanted: new.id.clone(),
        }),
    }
}

/// Refuses `new` in the place of `leaving` where it cannot stand beside what stays.
fn refuse_beside(installed: &[Installed], new: &App, leaving: &App) -> Result<(), RuleFault> {
    let staying: Vec<Installed> = installed.iter().filter(|one| one.release.app.id != leaving.id).cloned().collect();
    if staying.iter().any(|one| one.release.app.id == new.id) {
        return Err(RuleFault::Beside { staying: new.id.clone(), leaving: leaving.id.clone() });
    }
    refuse_company(&staying, new)
}

/// Refuses `new` beside what stays.
pub(super) fn refuse_company(staying: &[Installed], new: &App) -> Result<(), RuleFault> {
    refuse_other_version(staying, new)?;
    refuse_family(staying, new)
}

fn ambiguous(installed: &[Installed], app: &App) -> RuleFault {
    let same_name = installed.iter().map(|one| &one.release.app.id).filter(|id| id.name == app.id.name);
    RuleFault::Ambiguous { name: app.id.name.clone(), versions: same_name.cloned().collect() }
}
