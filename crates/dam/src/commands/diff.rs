//! `dam diff`.

use dam_core::ops::diff::{self, DiffRequest, Place};

use crate::args::Diff;
use crate::context::Context;
use crate::error::CliError;
use crate::show::{self, Scripts};

/// Compares two products.
pub(crate) fn run(context: &Context, args: &Diff) -> Result<(), CliError> {
    let (ledger, root, scratch) = (context.ledger_if_any()?, context.root()?, context.scratch()?);
    let place = Place { ledger: ledger.as_ref(), root: &root, scratch: &scratch };
    let request = DiffRequest { old: args.old.clone(), new: args.new.clone(), scripts_of_new: args.hooks.is_some() };
    let mut diff = diff::diff(&request, place, &*context.reporter())?;
    let scripts = match &args.hooks {
        None => Scripts::Counted,
        Some(None) => Scripts::Shown,
        Some(Some(name)) => {
            diff.apps.retain(|app| app.name == *name);
            if diff.apps.is_empty() {
                return Err(CliError::new("not-there", format!("neither of the two has an app called `{name}`")));
            }
            Scripts::Shown
        }
    };
    let differs = diff.differs();
    context.ui.print(&show::Diff { diff, scripts })?;
    if differs && args.exit_code { Err(CliError::told()) } else { Ok(()) }
}
