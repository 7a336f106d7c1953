//! `dam doctor`.

use dam_core::ops::doctor::{self, Level, Machine};

use crate::context::Context;
use crate::error::CliError;

/// Says what is wrong with this machine.
pub(crate) fn run(context: &Context) -> Result<(), CliError> {
    let store = context.look_at_store();
    let (root, path, legacy) = (context.root()?, context.path(), context.legacy_folder());
    let store = store.map_err(|error| [std::slice::from_ref(&error.message), &error.causes[..]].concat());
    let checkup = doctor::examine(&Machine { root: &root, store, path: &path, legacy: legacy.as_deref() });
    context.ui.print(&checkup)?;
    if checkup.count(Level::Fault) == 0 { Ok(()) } else { Err(CliError::told()) }
}
