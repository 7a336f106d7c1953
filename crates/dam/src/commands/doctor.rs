//! `dam doctor`.

use std::path::Path;

use dam_core::engine::host::{Look, ThisMachine};
use dam_core::ops::doctor::{self, EngineChecks, Level, Machine};

use crate::args;
use crate::context::Context;
use crate::error::CliError;
use crate::show::Doctor;

/// Says what is wrong with this machine.
pub(crate) fn run(context: &Context, args: &args::Doctor) -> Result<(), CliError> {
    let store = context.look_at_store();
    let (root, path, legacy) = (context.root()?, context.path(), context.legacy_folder());
    let store = store.map_err(|error| [std::slice::from_ref(&error.message), &error.causes[..]].concat());
    let machine = args.machine.as_deref().unwrap_or(Path::new("/"));
    let look = Look { root: machine, path: &path, witness: &ThisMachine };
    let engine = if args.engine { EngineChecks::Always } else { EngineChecks::WhereThereIsOne };
    let checkup = doctor::examine(&Machine { root: &root, store, legacy: legacy.as_deref(), look, engine });
    let faults = checkup.count(Level::Fault);
    context.ui.print(&Doctor::new(checkup, context.is_privileged()))?;
    if faults == 0 { Ok(()) } else { Err(CliError::told()) }
}
