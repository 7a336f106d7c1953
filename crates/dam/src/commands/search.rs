//! `dam search`.

use std::time::Duration;

use dam_core::Cancel;
use dam_core::ops::search::{self, Found, Missed, Outcome, Query, Versions};
use dam_core::repo::{Registries, Repo, rules};
use dam_oci::registry::TimeLimits;

use crate::args::Search;
use crate::context::Context;
use crate::error::{CliError, Hint};
use crate::show::{self, Row};

/// How many versions of a name are shown to people.
const VERSIONS: usize = 5;

/// Somebody waits for the answer of all registries together: one that is down must not keep that of the others for minutes.
const LIMITS: TimeLimits = TimeLimits {
    connect: Duration::from_secs(5),
    silence: Duration::from_secs(30),
    wait: Duration::from_secs(5),
    tries: 2,
};

// Nothing is changed, so a signal may end dam at once: the wish to stop is only that nobody reads any more.
pub(super) fn run(context: &Context, args: &Search) -> Result<(), CliError> {
    let cancel = Cancel::default();
    let registries = context.registries(&cancel)?.with_limits(LIMITS);
    let repos = repos(&registries, args)?;
    let json = context.ui.manner().json;
    let few = if json || args.raw { Versions::All } else { Versions::Newest(VERSIONS) };
    let versions = args.versions.unwrap_or(few);
    let query = Query { mask: args.mask.clone(), limit: args.limit, versions };
    let mut kept = Vec::new();
    let mut unread = Ok(());
    let each = |found: Found| {
        if json {
            kept.push(found);
            return true;
        }
        let row = Row(&found);
        unread = if args.raw { context.ui.answer(&row.raw()) } else { context.ui.print(&row) };
        unread.is_ok()
    };
    let outcome = search::search(&registries, &repos, &query, &cancel, each)?;
    unread?;
    match json {
        true => document(context, kept, outcome, repos.len()),
        false => tell(context, args, outcome, repos.len()),
    }
}

/// Returns the repos to ask.
fn repos<'a>(registries: &'a Registries, args: &Search) -> Result<Vec<&'a Repo>, CliError> {
    if registries.is_offline() {
        let hint = Hint::Again { before: "DAM_OFFLINE=0", after: "", note: "asks all the same" };
        return Err(CliError::new("offline", "no registry is asked: dam is set to be offline").hint(hint));
    }
    match &args.repo {
        Some(wanted) => Ok(vec![rules::find(registries.repos(), wanted).map_err(dam_core::Error::from)?]),
        None => Ok(registries.repos().iter().collect()),
    }
}

/// Says what there is to know besides the rows, and what went wrong.
fn tell(context: &Context, args: &Search, outcome: Outcome, repos: usize) -> Result<(), CliError> {
    for note in &outcome.notes {
        context.ui.status(&note.to_string());
    }
    let Outcome { found, faults, .. } = outcome;
    if found == 0 && faults.is_empty() {
        let what = args.mask.as_ref().map(|mask| format!(" for `{}`", mask.as_str())).unwrap_or_default();
        context.ui.status(&format!("nothing was found{what}"));
    }
    let known = context.known_repos();
    let mut errors: Vec<_> = faults.into_iter().map(|fault| error(fault, repos).of_repos(&known)).collect();
    let Some(last) = errors.pop() else { return Ok(()) };
    for error in &errors {
        context.ui.fail(error);
    }
    Err(last)
}

/// Prints one document, with all that went wrong in it; where all failed, that is the error of the command.
fn document(context: &Context, found: Vec<Found>, outcome: Outcome, repos: usize) -> Result<(), CliError> {
    let Outcome { notes, mut faults, .. } = outcome;
    if found.is_empty() && faults.len() == 1 && repos == 1 {
        return Err(faults.remove(0).error.into());
    }
    let failed = !faults.is_empty();
    let known = context.known_repos();
    let errors = faults.into_iter().map(|fault| context.ui.error_document(&error(fault, repos).of_repos(&known)));
    let errors = errors.collect();
    context.ui.print(&show::Search { found, notes, errors })?;
    if failed { Err(CliError::told()) } else { Ok(()) }
}

/// Makes the error of a repo; where others were asked, too, it says first which one it is.
fn error(missed: Missed, repos: usize) -> CliError {
    let which = show::missed(&missed);
    let names = missed.names;
    let error = CliError::from(missed.error);
    if repos == 1 && names == 0 {
        return error;
    }
    let mut causes = vec![error.message];
    causes.extend(error.causes);
    CliError { message: which, causes, ..error }
}
