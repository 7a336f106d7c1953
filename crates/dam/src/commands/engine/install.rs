//! `dam engine install`.

use std::path::Path;

use dam_core::ops::engine::install::{InstallFault, Place, prepare};

use crate::args::InstallEngine;
use crate::context::Context;
use crate::error::CliError;

/// Installs a package of Docker Engine, and tries it out.
pub(super) fn run(context: &Context, args: &InstallEngine) -> Result<(), CliError> {
    let (cancel, reporter) = (context.cancel()?, context.reporter());
    let path = context.path();
    let place = Place { root: Path::new("/"), path: &path, is_root: context.is_privileged() };
    let prepared = prepare(&args.package, &place, &*reporter)?;
    if args.consent.dry_run {
        return context.ui.print(&prepared.plan);
    }
    // Nobody is asked about what is then refused.
    if !place.is_root {
        return Err(dam_core::Error::from(InstallFault::NotRoot).into());
    }
    if !context.ui.consent(&prepared.plan, args.consent.yes, &cancel)? {
        context.ui.status("Nothing was changed.");
        return Ok(());
    }
    context.begin_change();
    context.ui.print(&prepared.apply(&cancel, &*reporter)?)
}
