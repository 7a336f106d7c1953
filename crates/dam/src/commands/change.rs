//! What install, upgrade, rollback and remove have in common: show the plan, ask, carry it out, print.

use dam_core::Cancel;
use dam_core::app::HookName;
use dam_core::event::Reporter;
use dam_core::host::Host;
use dam_core::ops::install::Prepared;
use dam_core::plan::{Options, RuleFault};
use dam_core::repo::{Inquiry, Registries, Unfetched};
use dam_core::{Error, Result as CoreResult};

use crate::args::{Asking, Consent, Trial};
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

impl Change<'_> {
    /// The same for what may be in a registry. Where that does not give it and the store has the very image, the user may take
    /// that one; `--yes` does not say so, for it was written for the registry's.
    pub(super) fn carry_out_named(
        self,
        asking: &Asking,
        prepare: impl Fn(&Host, Inquiry, &dyn Reporter) -> CoreResult<Prepared>,
        consent: Consent,
        options: impl FnOnce(Options) -> Options,
    ) -> Result<(), CliError> {
        let (context, cancel) = (self.context, self.cancel.clone());
        let registries = asking.ask(context.registries(&cancel)?);
        let try_with = |registries: &Registries, host: &Host, reporter: &dyn Reporter| {
            prepare(host, Inquiry { look_only: consent.dry_run, ..asking.inquiry(registries) }, reporter)
        };
        self.carry_out(
            |host, reporter| match try_with(&registries, host, reporter) {
                Err(Error::Unfetched(fault)) if takes_local(context, &fault, &cancel) => {
                    try_with(&registries.offline(true), host, reporter)
                }
                prepared => prepared,
            },
            consent,
            options,
        )
    }
}

/// Asks whether the image of the store is taken for the one that its registry does not give.
fn takes_local(context: &Context, fault: &Unfetched, cancel: &Cancel) -> bool {
    let Some(local) = fault.local.as_ref().filter(|_| context.ui.can_ask()) else { return false };
    let causes = std::iter::successors(std::error::Error::source(fault), |cause| cause.source());
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    context.ui.warning(&format!("{fault}: {}", causes.join(": ")));
    let answer = context.ui.ask(&format!("Take {local} as it is in the store? [y/N] "), cancel);
    answer.is_ok_and(|answer| matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
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
