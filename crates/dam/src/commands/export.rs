//! `dam export`.

use std::io;

use dam_core::Error;
use dam_core::ops::export::{self, ExportRequest, Exported, Output, Wanted};
use dam_core::ops::save::Tools;
use dam_core::product::ProductList;

use crate::args::{Export, Place};
use crate::context::Context;
use crate::error::{CliError, Hint};
use crate::exit::Exit;

/// Writes what is installed to a file.
pub(crate) fn run(context: &Context, args: &Export) -> Result<(), CliError> {
    let (place, wanted) = args.words()?;
    if place == Place::Stdout && context.ui.manner().json {
        return Err(CliError::misuse("usage", "`-` and --json exclude each other: both want standard output"));
    }
    if args.is_bundle(&place) { bundle(context, args, place, &wanted) } else { list(context, args, &place, &wanted) }
}

fn list(context: &Context, args: &Export, place: &Place, wanted: &[Wanted]) -> Result<(), CliError> {
    if args.split.is_some() || args.compression.is_some() {
        let hint = Hint::Again { before: "", after: "--all", note: "writes a bundle" };
        return Err(
            CliError::misuse("usage", "--split and --compression are for bundles, and this is a list").hint(hint)
        );
    }
    let ledger = context.ledger_if_any()?;
    let releases = export::installed(ledger.as_ref(), wanted)?;
    if releases.is_empty() {
        hint_at_legacy(context);
    }
    match place {
        Place::Stdout => context.ui.answer(&export::list(&releases).to_string()),
        Place::File(path) => context.ui.print(&export::write_list(path, &releases, &context.cancel()?)?),
    }
}

fn bundle(context: &Context, args: &Export, place: Place, wanted: &[Wanted]) -> Result<(), CliError> {
    if place == Place::Stdout {
        refuse_stdout(context, args)?;
    }
    let (cancel, reporter) = (context.cancel()?, context.reporter());
    // Read before the engine is asked for anything: a slip in it is told at once.
    let product = args.product.as_ref().map(|path| ProductList::read(path)).transpose()?;
    let ledger = context.ledger_if_any()?;
    let (apps, store) = match (&product, &args.product) {
        (Some(list), Some(path)) => {
            let registries = args.asking.ask(context.registries(&cancel)?);
            let inquiry = args.asking.inquiry(&registries);
            let list = (&*path.display().to_string(), list);
            let picked = export::pick(ledger.as_ref(), list, wanted, &inquiry, &*reporter)?;
            // What comes straight from registries needs no store: this machine may have no engine.
            let store = if picked.needs_store() { Some(context.store()?) } else { None };
            (picked.choose(store.as_deref(), &inquiry, &*reporter)?, store)
        }
        _ => {
            let store = context.store()?;
            (export::with_images(&*store, export::installed(ledger.as_ref(), wanted)?)?, Some(store))
        }
    };
    if apps.is_empty() {
        hint_at_legacy(context);
    }
    let (cache, scratch) = (context.cache()?, context.scratch()?);
    let tools = Tools { store: store.as_deref(), cache: &cache, scratch: &scratch, cancel: &cancel };
    let request = ExportRequest { apps, packing: args.compression.unwrap_or_default() };
    let path = match place {
        Place::File(path) => path,
        Place::Stdout => {
            let mut out = context.ui.pour();
            let exported = export::export(tools, &request, &mut Output::Stream(&mut out), &*reporter);
            drop(out);
            context.ui.preview(&exported.map_err(unread)?);
            return Ok(());
        }
    };
    let mut output = match args.split {
        Some(size) => Output::Parts(path, size),
        None => Output::File(path),
    };
    let exported: Exported = export::export(tools, &request, &mut output, &*reporter)?;
    context.ui.print(&exported)
}

fn refuse_stdout(context: &Context, args: &Export) -> Result<(), CliError> {
    if args.split.is_some() {
        return Err(CliError::misuse("usage", "--split needs a file: standard output is one stream"));
    }
    if context.answers_on_terminal() {
        let hint = Hint::Again { before: "", after: "> site.dam", note: "" };
        return Err(CliError::misuse("terminal", "a bundle is nothing for a terminal").hint(hint));
    }
    Ok(())
}

fn hint_at_legacy(context: &Context) {
    if context.has_legacy() {
        context.ui.hint("dam migrate   takes over what DAM 1.x has installed");
    }
}

/// Says what happened to standard output, which the library knows as `-`.
fn unread(error: Error) -> CliError {
    match error {
        Error::Access { path, source } if path.as_os_str() == "-" => match source.kind() {
            io::ErrorKind::BrokenPipe => CliError { exit: Exit::Unread, ..CliError::new("unread", "nobody reads") },
            _ => CliError::new("output", "cannot write the bundle to standard output").because(&source),
        },
        error => error.into(),
    }
}
