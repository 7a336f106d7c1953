//! `dam listrepos`.

use std::time::Duration;

use dam_core::ops::listrepos;
use dam_core::repo::{Registries, Repo, rules};
use dam_oci::registry::TimeLimits;

use crate::args::Listrepos;
use crate::context::Context;
use crate::error::{CliError, Hint};
use crate::show::{self, RepoCheck, left_out};

/// Everything is tried once, and no silent server is waited for for long: this is a look.
const HASTE: TimeLimits = TimeLimits {
    connect: Duration::from_secs(10),
    silence: Duration::from_secs(10),
    wait: Duration::from_secs(10),
    tries: 1,
};

/// Lists the registries, and asks them whether they answer.
pub(crate) fn run(context: &Context, args: &Listrepos) -> Result<(), CliError> {
    let cancel = context.cancel()?;
    let registries = context.registries(&cancel)?;
    if let Some(ledger) = context.ledger_if_any()? {
        for left in ledger.left_repos()? {
            context.ui.warning(&left_out(&left));
        }
    }
    let repos = chosen(&registries, args)?;
    let checks = match args.check {
        true => check(registries.is_offline(), || Ok(context.registries(&cancel)?.with_limits(HASTE)), &repos)?,
        false => Vec::new(),
    };
    cancel.check()?;
    let list = show::RepoList::new(&repos, checks);
    if args.raw {
        return context.ui.answer(&list.raw());
    }
    context.ui.print(&list)?;
    if list.is_good() { Ok(()) } else { Err(CliError::told()) }
}

/// Returns the repos that are named, in the order of the list; all where none is.
fn chosen<'a>(registries: &'a Registries, args: &Listrepos) -> Result<Vec<&'a Repo>, CliError> {
    for wanted in &args.repos {
        rules::find(registries.repos(), wanted).map_err(dam_core::Error::from)?;
    }
    let named = |repo: &&Repo| args.repos.is_empty() || args.repos.iter().any(|wanted| wanted.is(repo));
    Ok(registries.repos().iter().filter(named).collect())
}

fn check(
    offline: bool,
    open: impl FnOnce() -> Result<Registries, CliError>,
    repos: &[&Repo],
) -> Result<Vec<RepoCheck>, CliError> {
    if offline {
        let hint =
            Hint::Advice("take `offline = true` out of the settings, or DAM_OFFLINE out of the environment".into());
        return Err(CliError::new("offline", "dam is set to ask no registry").hint(hint));
    }
    let answers = listrepos::check(&open()?, repos);
    let checked = answers.into_iter().zip(repos).map(|(answer, repo)| RepoCheck::new(repo, answer));
    Ok(checked.collect())
}
