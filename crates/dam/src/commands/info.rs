//! `dam info`.

use std::path::Path;

use dam_core::ops::info::{self, AppInfo, InFile};
use dam_core::ops::{self, Target};
use dam_oci::Reference;

use crate::args::Info;
use crate::context::Context;
use crate::error::{CliError, Hint};
use crate::invocation::quote;
use crate::show;

pub(super) fn run(context: &Context, args: &Info) -> Result<(), CliError> {
    match (&args.target, &args.app) {
        (Target::File(path), _) => file(context, args, path),
        (Target::Image(reference) | Target::Newest(reference), None) => {
            context.ui.print(&show::Info { apps: vec![find(context, &args.target, reference)?] })
        }
        (Target::Image(_) | Target::Newest(_), Some(_)) => {
            Err(CliError::misuse("usage", "`--app` chooses an app of a file").hint(Hint::command("dam info --help")))
        }
    }
}

fn file(context: &Context, args: &Info, path: &Path) -> Result<(), CliError> {
    match info::file(path, args.app.as_ref(), &context.scratch()?, &*context.reporter())? {
        InFile::Overview(overview) => context.ui.print(&overview),
        InFile::Apps(apps) if apps.is_empty() => {
            let path = path.display().to_string();
            let hint = Hint::Command(format!("dam info {}", quote(&path)), "lists the apps");
            Err(CliError::new("not-there", format!("`{path}` holds no such app")).hint(hint))
        }
        InFile::Apps(apps) => context.ui.print(&show::Info { apps }),
    }
}

/// Looks among what is installed, and then in the store.
fn find(context: &Context, target: &Target, reference: &Reference) -> Result<AppInfo, CliError> {
    if let Some(ledger) = context.ledger_if_any()?
        && let Some(app) = ops::info::installed(&ledger, &reference.to_string())?
    {
        return Ok(app);
    }
    let store = context.store()?;
    Ok(ops::info::image(&*store, target, &context.scratch()?, &*context.reporter())?)
}
