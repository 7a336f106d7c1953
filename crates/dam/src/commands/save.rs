//! `dam save`.

use std::path::PathBuf;

use dam_core::ops::Target;
use dam_core::ops::save::{self, SaveRequest, Tools};
use dam_core::repo::{Asked, Where};

use crate::args::Save;
use crate::context::Context;
use crate::error::CliError;

/// Writes an app to a file.
pub(crate) fn run(context: &Context, args: &Save) -> Result<(), CliError> {
    let (cancel, reporter) = (context.cancel()?, context.reporter());
    let installed = match context.ledger_if_any()? {
        Some(ledger) => save::installed(&ledger, &args.app)?,
        None => None,
    };
    let word = match &args.app {
        Target::Image(word) | Target::Newest(word) if installed.is_none() => Some(word),
        _ => None,
    };
    let registries = args.asking.ask(context.registries(&cancel)?);
    let inquiry = args.asking.inquiry(&registries);
    let (mut target, mut store, mut found) = (args.app.clone(), None, None);
    // No store is opened for what comes straight from a registry: this machine may have no engine.
    if let Some(word) = word {
        match inquiry.ask_first(word, &*reporter) {
            Ok(Asked::Found(image)) => found = Some(*image),
            Ok(Asked::Absent(_) | Asked::Nobody) => {
                let opened = store.insert(context.store()?);
                match inquiry.find(&**opened, word, &*reporter)? {
                    Where::Store(reference) => target = Target::Image(reference),
                    Where::Registry(image) => found = Some(*image),
                }
            }
            Err(error) => match context.store() {
                Ok(store) => inquiry.with_local(Err(error), &*store, word)?,
                Err(_) => return Err(error.into()),
            },
        }
    } else {
        store = Some(context.store()?);
    }
    let (cache, scratch) = (context.cache()?, context.scratch()?);
    let tools = Tools { store: store.as_deref(), cache: &cache, scratch: &scratch, cancel: &cancel };
    let output = args.output.clone();
    let request = SaveRequest { target, installed, found, output, folder: PathBuf::from(".") };
    context.ui.print(&save::save(tools, &request, &*reporter)?)
}
