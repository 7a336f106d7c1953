//! What an import changes. Pure: reads facts, touches nothing.

use super::rules::{is_same, remove, replace};
use super::{Plan, RuleFault, Side, Step, rules};
use crate::app::{App, AppId, HookName, Release};
use crate::ledger::{AppState, Installed, OperationKind, Source};

/// An app of a product.
#[derive(Debug, Clone)]
pub struct Brought {
    /// The app as one exact image.
    pub release: Release,
    /// Where it comes from.
    pub source: Source,
    /// Whether its image has to be loaded.
    pub load: bool,
    /// Whether its `/meta` is known by the promise of its bundle only.
    pub promised: bool,
}

/// What becomes of installed apps that are not in the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// They are removed.
    Remove,
    /// They stay, unless an app of the product takes their place.
    Keep,
}

/// What an import changes, and what it leaves as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The changes, in the order they are carried out: removals first, for they may free what others need, then the apps
    /// of the product in its order.
    pub plans: Vec<Plan>,
    /// The apps of the product that are installed already, exactly so.
    pub kept: Vec<AppId>,
}

/// Plans how this machine becomes what a product says. With `restore` every app is uninstalled and installed anew, also one
/// that is there already; without it, of those only what is broken.
///
/// # Errors
/// Every rule that is broken, not only the first.
pub fn product(
    installed: &[Installed],
    brought: Vec<Brought>,
    others: Others,
    restore: bool,
) -> Result<Planned, Vec<RuleFault>> {
    let mut faults = exclusions(&brought);
    let wanted: Vec<AppId> = brought.iter().map(|one| one.release.app.id.clone()).collect();
    let mut leaving: Vec<&Installed> = installed.iter().filter(|one| !wanted.contains(&one.release.app.id)).collect();
    let (mut arrivals, mut kept) = (Vec::new(), Vec::new());
    for one in brought {
        let app = &one.release.app;
        match installed.iter().find(|there| there.release.app.id == app.id) {
            Some(there) if is_same(&there.release, &one.release) => match restore || there.state == AppState::Broken {
                true => arrivals.push(in_place_of(&there.release, one, true)),
                false => kept.push(app.id.clone()),
            },
            Some(there) => arrivals.push(in_place_of(&there.release, one, restore)),
            None => match leaving.iter().position(|there| gives_place(&there.release.app, app, others)) {
                Some(at) => arrivals.push(in_place_of(&leaving.remove(at).release, one, restore)),
                None => arrivals.push(anew(one)),
            },
        }
    }
    let mut plans = Vec::new();
    match others {
        Others::Remove => plans.extend(leaving.iter().rev().map(|there| remove(there, false))),
        Others::Keep => {
            let staying: Vec<Installed> = leaving.into_iter().cloned().collect();
            let new = arrivals.iter().filter_map(|plan| plan.new.as_ref());
            faults.extend(new.filter_map(|new| rules::refuse_company(&staying, &new.app).err()));
        }
    }
    plans.extend(arrivals);
    if faults.is_empty() { Ok(Planned { plans, kept }) } else { Err(faults) }
}

/// Names the apps of a product that cannot be installed together.
fn exclusions(brought: &[Brought]) -> Vec<RuleFault> {
    let mut faults = Vec::new();
    for (at, second) in brought.iter().map(|one| &one.release.app).enumerate() {
        let before = brought[..at].iter().map(|one| &one.release.app);
        let clash = before.filter(|first| first.id.name == second.id.name || first.family == second.family);
        faults.extend(clash.filter_map(|first| exclusion(first, second)).take(1));
    }
    faults
}

fn exclusion(first: &App, second: &App) -> Option<RuleFault> {
    if first.id == second.id {
        return Some(RuleFault::Twice(first.id.clone()));
    }
    if first.multiversion && second.multiversion {
        return None;
    }
    let (family, first_id, second_id) = (first.family.clone(), first.id.clone(), second.id.clone());
    Some(match first.id.name == second.id.name {
        true => RuleFault::Versions { first: first_id, second: second_id },
        false => RuleFault::Exclude { family, first: first_id, second: second_id },
    })
}

/// Tells whether `old`, which is not in the product, is what `new` takes the place of.
fn gives_place(old: &App, new: &App, others: Others) -> bool {
    let side_by_side = old.multiversion && new.multiversion;
    old.id.name == new.id.name && (others == Others::Remove || !side_by_side)
}

fn in_place_of(old: &Release, new: Brought, restore: bool) -> Plan {
    let Brought { release, source, load, promised } = new;
    let kind = OperationKind::Upgrade;
    let way = if restore { rules::Way::Anew } else { rules::Way::of(kind, &release.app) };
    arriving_bare(replace(kind, old.clone(), release, source, load, way), promised)
}

fn anew(new: Brought) -> Plan {
    let Brought { release, source, load, promised } = new;
    let mut steps = rules::arrive(&release, load);
    rules::run(&mut steps, &release.app, Side::New, &[HookName::Install, HookName::Health]);
    let plan = Plan { kind: OperationKind::Install, old: None, new: Some(release), source, store: None, steps };
    arriving_bare(plan, promised)
}

/// Lets the image come without its tag, which it gets when all images are there: a tag may belong to what runs.
fn arriving_bare(mut plan: Plan, is_promised: bool) -> Plan {
    let Some(Step::Load { tagged, promised, .. }) = plan.steps.first_mut() else { return plan };
    (*tagged, *promised) = (false, is_promised);
    let reference = plan.release(Side::New).app.reference.clone();
    plan.steps.insert(1, Step::Tag { reference, take: true });
    plan
}
