//! `dam import`: brings this machine to what a product says.

mod bring;
mod list;
mod offer;
mod outcome;

use std::collections::BTreeMap;

use dam_oci::{Digest, Image, Reference};
use serde::Serialize;

use crate::app::{AppId, HookName};
use crate::compare::{self, FileChange};
use crate::event::Reporter;
use crate::host::Host;
use crate::ledger::{AppState, Installed, Source};
use crate::plan::{
    self, Applied, Arrivals, Brought, OnFailure, Options, Others, Plan, Planned, Product, Resumable, Step,
};
use crate::repo::Inquiry;
use crate::{Error, Result};

use offer::Rest;
pub use offer::{Input, Offer};
pub use outcome::{Action, HookChanges, ImportPlan, Imported, PlannedApp, Space};

/// How a product is imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportRequest {
    /// What becomes of installed apps that are not in the product.
    pub others: Others,
    /// Whether every app is installed anew, also one that is there already.
    pub restore: bool,
    /// What is done with apps that are changed already when a later one fails.
    pub on_failure: OnFailure,
    /// Whether no `health` is run.
    pub skip_health: bool,
}

/// A plan and what it needs to be carried out.
pub struct Prepared {
    /// The plan, for people and machines.
    pub plan: ImportPlan,
    work: Work,
    /// The images, one for each plan that loads one.
    images: Vec<Option<Box<dyn Image>>>,
    rest: Rest,
}

/// Whether an import begins, or goes on.
enum Work {
    Begin(Product),
    GoOn(Box<Resumable>),
}

/// Looks for an import of the same that was cut off while images arrived. Anything else that was cut off is the affair of
/// [`plan::recover`], which must come before [`prepare`] then.
pub fn find_cut_off(host: &mut Host, offer: &Offer, request: ImportRequest) -> Result<Option<Resumable>> {
    plan::resumable(host, &wish(offer, request))
}

/// Tells whether any import was cut off while images arrived. It keeps nobody from looking.
pub fn is_paused(host: &mut Host) -> Result<bool> {
    plan::is_paused(host)
}

/// Plans the import of what `offer` brings, or of the rest of it, where one was cut off. What a list names
/// and a registry has is brought into the store before, without a tag.
///
/// # Errors
/// [`Error::Rules`] with every rule that is broken, [`Error::NoRoom`] where the images do not fit, and those of reading the
/// offer.
pub fn prepare(
    host: &Host,
    offer: Offer,
    request: ImportRequest,
    mut cut_off: Option<Resumable>,
    inquiry: &Inquiry,
    reporter: &dyn Reporter,
) -> Result<Prepared> {
    let wish = wish(&offer, request);
    let source = offer.source();
    let mut installed = host.ledger.installed()?;
    let bring::Load { brought, images, rest } = bring::bring(host, offer, &installed, inquiry, reporter)?;
    doubt_those_without_image(host, &mut installed, &brought)?;
    let mut found: BTreeMap<Reference, Box<dyn Image>> = images;
    let (product, kept, arrived) = match &mut cut_off {
        Some(cut_off) => {
            cut_off.product.read_from(&source);
            let kept = brought.iter().map(|one| one.release.app.id.clone());
            let changes = |app: &AppId| cut_off.product.plans.iter().any(|plan| plan.app().id == *app);
            (cut_off.product.clone(), kept.filter(|app| !changes(app)).collect(), cut_off.arrived.clone())
        }
        None => {
            let Planned { mut plans, kept } =
                plan::product(&installed, brought, request.others, request.restore).map_err(Error::Rules)?;
            for plan in &mut plans {
                if request.skip_health {
                    plan.skip(HookName::Health);
                }
                if let Some(old) = &plan.old {
                    host.require_store_of(old)?;
                }
                if !plan.steps.iter().any(Step::is_load) {
                    plan.leave_out_tags(|reference| host.store.holder(reference))?;
                }
            }
            let arrived = vec![false; plans.len()];
            (Product { source, plans, on_failure: request.on_failure, wish }, kept, arrived)
        }
    };
    let loads = |plan: &Plan| plan.steps.iter().any(Step::is_load);
    let images: Vec<Option<Box<dyn Image>>> = product
        .plans
        .iter()
        .zip(&arrived)
        .map(|(plan, arrived)| {
            let new = plan.new.as_ref().filter(|_| loads(plan) && !arrived)?;
            found.remove(&new.app.reference)
        })
        .collect();
    let plan = describe(host, &product, kept, &images, cut_off.is_some())?;
    let work = match cut_off {
        Some(cut_off) => Work::GoOn(Box::new(cut_off)),
        None => Work::Begin(product),
    };
    Ok(Prepared { plan, work, images, rest })
}

impl Prepared {
    /// Carries the plan out.
    ///
    /// # Errors
    /// [`Error::Paused`] where it was cut off while images arrived: the same import goes on then. [`Error::Failed`]
    /// otherwise.
    pub fn apply(self, host: &mut Host, options: &Options, reporter: &dyn Reporter) -> Result<Imported> {
        let Self { plan, work, images, rest } = self;
        let images: Vec<Option<&dyn Image>> = images.iter().map(Option::as_deref).collect();
        let applied: Vec<Applied> = match work {
            Work::Begin(product) if product.plans.is_empty() => {
                // Whoever writes the pipe has not failed because there is nothing to do here.
                rest.finish()?;
                return Ok(Imported::new(plan, Vec::new()));
            }
            Work::Begin(product) => {
                let arrivals = Arrivals { images: &images, arrived: Some(Box::new(|| rest.finish())) };
                plan::apply_product(host, product, arrivals, options, reporter)?
            }
            Work::GoOn(cut_off) => {
                let arrivals = Arrivals { images: &images, arrived: Some(Box::new(|| rest.finish())) };
                plan::resume(host, *cut_off, arrivals, options, reporter)?
            }
        };
        Ok(Imported::new(plan, applied))
    }
}

/// Takes an installed app for broken whose image is gone from the store, where the product brings it: it is installed anew
/// then, and not called as it should be.
fn doubt_those_without_image(host: &Host, installed: &mut [Installed], brought: &[Brought]) -> Result<()> {
    for one in installed {
        let is_brought = brought.iter().any(|new| new.load && new.release.app.id == one.release.app.id);
        if is_brought && host.require_store_of(&one.release).is_ok() && host.store.find_id(one.release.image)?.is_none()
        {
            one.state = AppState::Broken;
        }
    }
    Ok(())
}

/// Returns what the same import has again, wherever its file lies by then.
fn wish(offer: &Offer, request: ImportRequest) -> Digest {
    #[derive(Serialize)]
    struct Wish {
        product: Vec<(String, String)>,
        keeps_others: bool,
        restore: bool,
        on_failure: OnFailure,
        skip_health: bool,
    }
    let ImportRequest { others, restore, on_failure, skip_health } = request;
    let keeps_others = others == Others::Keep;
    let wish = Wish { product: offer.identity(), keeps_others, restore, on_failure, skip_health };
    Digest::of(&serde_json::to_vec(&wish).expect("only text and booleans"))
}

/// Keeps the text of a difference only while all apps together have `room` for it: memory must not grow with their number.
fn spare(change: &mut FileChange, room: &mut u64) {
    match change.diff.as_ref().map_or(Some(*room), |diff| room.checked_sub(diff.len() as u64)) {
        Some(left) => *room = left,
        None => change.diff = None,
    }
}

/// Puts the plan into the form that is shown.
fn describe(
    host: &Host,
    product: &Product,
    kept: Vec<AppId>,
    images: &[Option<Box<dyn Image>>],
    goes_on: bool,
) -> Result<ImportPlan> {
    let loaded: Vec<&dyn Image> = images.iter().flatten().map(|image| &**image).collect();
    let demand = host.store.demand(&loaded)?;
    let needed = demand.store.saturating_add(demand.passing);
    let space = host.store.room()?.map(|room| Space { needed, free: room.free, place: room.place });
    if let Some(Space { needed, free, place }) = space.clone().filter(|space| space.needed > space.free) {
        return Err(Error::NoRoom { place, needed, free });
    }
    let mut sends = demand.images.iter().map(|image| image.send);
    let mut apps = Vec::new();
    let mut hooks = Vec::new();
    let mut room = compare::TOTAL_LIMIT;
    for (plan, image) in product.plans.iter().zip(images) {
        let send = image.as_ref().and_then(|_| sends.next()).unwrap_or_default();
        apps.push(PlannedApp::of(plan, send));
        if let (Some(old), Some(new)) = (&plan.old, &plan.new)
            && old.meta != new.meta
            && [old, new].iter().all(|release| host.keep.get(&release.meta).is_ok())
        {
            let mut changes = compare::hooks(&host.keep, Some(&old.meta), Some(&new.meta))?;
            changes.iter_mut().for_each(|change| spare(change, &mut room));
            hooks.push(HookChanges { app: new.app.id.clone(), changes });
        }
    }
    apps.extend(kept.into_iter().map(PlannedApp::kept));
    apps.sort_by_key(|app| app.action == Action::Remove);
    let Source::File { path } = &product.source else {
        return Ok(ImportPlan { source: String::new(), apps, hooks, space, goes_on });
    };
    Ok(ImportPlan { source: path.clone(), apps, hooks, space, goes_on })
}
