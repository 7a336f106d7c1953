//! Recording what was done, and cleaning up after it.

use dam_oci::Reference;

use super::apply::{Applied, Run};
use super::rules::is_same;
use super::{Plan, Side, Step};
use crate::app::{HookName, Release};
use crate::event::{Event, Warning};
use crate::host::Host;
use crate::ledger::{AppState, Change, Installed, Timestamp};
use crate::{Error, Result, fault};

impl Run<'_> {
    /// Records the change, then cleans up.
    pub(super) fn finish(self) -> Result<Vec<Applied>> {
        fault::point("all steps done");
        let changes: Vec<Change> =
            (0..self.transaction.plans().len()).map(|plan| self.change(plan)).collect::<Result<_>>()?;
        self.host.ledger.commit(self.operation, &changes, None, Timestamp::now())?;
        fault::point("change recorded");
        self.clean_up();
        let Self { operation, transaction, healthy_after, .. } = self;
        let applied = transaction.plans().iter().zip(healthy_after).map(|(plan, took)| Applied {
            kind: plan.kind,
            operation,
            old: plan.old.as_ref().map(|old| old.app.id.clone()),
            new: plan.new.as_ref().map(|new| new.app.id.clone()),
            healthy_after: took.map(|took| took.as_secs_f64()),
        });
        Ok(applied.collect())
    }

    fn clean_up(&self) {
        for plan in self.transaction.plans().iter().filter(|plan| plan.steps.iter().any(Step::is_cleanup)) {
            if let Some(old) = &plan.old {
                self.drop_image(old);
            }
        }
    }

    /// Returns what one plan, carried out, changes in the ledger.
    pub(super) fn change(&self, at: usize) -> Result<Change> {
        let plan = self.plan(at);
        let replacing = plan.old.as_ref().map(|old| old.app.id.clone());
        let Some(mut release) = plan.new.clone() else {
            return Ok(Change::Take { app: replacing.expect("a plan without a new release takes the old one away") });
        };
        // After a kill the id that the load returned is lost; the tag it set is not. Else the store is not asked: the tag
        // may have moved to an image that is not the app, and an engine that is gone by now must not keep what was done
        // from being recorded.
        let store = &self.host.store;
        if plan.steps.iter().any(Step::is_load)
            && self.image(at).is_none()
            && store.find_id(release.image)?.is_none()
            && let Some(stored) = store.find(&release.app.reference)?
        {
            release.image = stored.id;
        }
        let ran_health = plan.steps.contains(&Step::Run { side: Side::New, hook: HookName::Health });
        let installed = Installed {
            release,
            source: plan.source.clone(),
            installed_at: Timestamp::now(),
            state: if ran_health { AppState::Healthy } else { AppState::Ok },
            previous: self.previous(plan)?,
        };
        Ok(Change::Put { installed: Box::new(installed), replacing })
    }

    /// Returns what a rollback goes back to: the old release, or where that is the same, what it would have gone back to.
    fn previous(&self, plan: &Plan) -> Result<Option<Release>> {
        let Some(old) = &plan.old else { return Ok(None) };
        if !plan.new.as_ref().is_some_and(|new| is_same(old, new)) {
            return Ok(Some(old.clone()));
        }
        let versions = self.host.ledger.versions_of(&old.app.id.name)?;
        Ok(versions.into_iter().find(|one| one.release.app.id == old.app.id).and_then(|one| one.previous))
    }

    /// Takes an app's tags away, and its image with the last of them unless something else needs it.
    fn drop_image(&self, release: &Release) {
        if let Err(error) = drop_image(self.host, release) {
            let what = format!("the image of {} stays: {error}", release.app.id);
            self.reporter.event(Event::Warning(Warning::Leftover { what: &what }));
        }
    }
}

fn drop_image(host: &Host, release: &Release) -> Result<()> {
    if host.ledger.images_in_use()?.iter().any(|(image, ..)| *image == release.image) {
        return Ok(());
    }
    let image = match host.store.find_id(release.image) {
        Ok(Some(image)) => image,
        Ok(None) => return Ok(()),
        // Nobody can use a damaged one, whatever names it has.
        Err(Error::Oci(_)) => return host.store.remove(release.image),
        Err(error) => return Err(error),
    };
    let is_ours = |tag: &Reference| *tag == release.app.reference || release.app.more_references.contains(tag);
    let (ours, foreign): (Vec<_>, Vec<_>) = image.tags.into_iter().partition(is_ours);
    // Removed as a whole where it may be: an engine then also takes what only its build had left.
    if foreign.is_empty() {
        return host.store.remove(release.image);
    }
    ours.iter().try_for_each(|tag| host.store.untag(tag))
}
