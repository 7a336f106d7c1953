//! What install, upgrade, rollback and remove have in common: show the plan, ask, carry it out, print.

use dam_core::Cancel;
use dam_core::app::HookName;
use dam_core::event::Reporter;
use dam_core::host::Host;
use dam_core::ops::install::Prepared;
use dam_core::plan::{Options, RuleFault};
use dam_core::{Error, Result as CoreResult};

use crate::args::{Consent, Trial};
use crate::context::Context;
use crate::error::CliError;
use crate::show::Unchanged;

/// A machine opened for one change.
pub(super) struct Change<'a> {
    context: &'a Context,
    reporter: Box<dyn Reporter>,
    cancel: Cancel,
    /// The machine.
    pub(super) host: Host,
}

impl<'a> Change<'a> {
    /// Opens the machine.
    pub(super) fn open(context: &'a Context) -> Result<Self, CliError> {
        let (cancel, reporter) = (context.cancel()?, context.reporter());
        let host = context.host(&cancel, &*reporter)?;
        Ok(Self { context, reporter, cancel, host })
    }

    /// Plans with `prepare`, shows the plan, asks, carries it out and prints what came of it.
    pub(super) fn carry_out(
        mut self,
        prepare: impl FnOnce(&Host, &dyn Reporter) -> CoreResult<Prepared>,
        consent: Consent,
        options: impl FnOnce(Options) -> Options,
    ) -> Result<(), CliError> {
        let ui = &self.context.ui;
        let prepared = match prepare(&self.host, &*self.reporter) {
            Err(Error::Rule(RuleFault::AlreadyInstalled(app))) => return ui.print(&Unchanged { app }),
            other => other?,
        };
        if consent.dry_run {
            return ui.print(&prepared.plan);
        }
        if !ui.consent(&prepared.plan, consent.yes, &self.cancel)? {
            ui.status("Nothing was changed.");
            return Ok(());
        }
        let options = options(self.context.hook_options());
        self.context.begin_change();
        ui.print(&prepared.apply(&mut self.host, &options, &*self.reporter)?)
    }
}

/// Sets the limits the user gave. Whoever allows each script five minutes waits as long for the app to be well.
pub(super) fn limit(options: Options, trial: Trial) -> Options {
    Options { timeout: trial.timeout, health_limit: trial.timeout.unwrap_or(options.health_limit), ..options }
}

/// Leaves out the health hook where the user does not want it.
pub(super) fn try_out(mut prepared: Prepared, trial: Trial) -> Prepared {
    if trial.no_health {
        prepared.plan.skip(HookName::Health);
    }
    prepared
}
