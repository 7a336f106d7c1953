//! `dam import`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dam_core::bundle::Media;
use dam_core::ops::import::{self, Action, ImportRequest, Input, Offer, Prepared};
use dam_core::plan::Others;
use dam_core::repo::Inquiry;
use dam_core::{Cancel, Error};

use super::change::limit;
use crate::args::Import;
use crate::context::Context;
use crate::error::{CliError, Hint};
use crate::ui::Ui;

/// Brings the machine to what a product says.
pub(crate) fn run(context: &Context, args: &Import) -> Result<(), CliError> {
    let (cancel, reporter) = (context.cancel()?, context.reporter());
    let offer = Offer::open(input(context, &args.product, &cancel), &*reporter)?;
    let is_empty = offer.is_empty();
    let request = ImportRequest {
        others: if args.keep_others { Others::Keep } else { Others::Remove },
        restore: args.restore,
        on_failure: args.on_failure.into(),
        skip_health: args.trial.no_health,
    };
    let registries = args.asking.ask(context.registries(&cancel)?);
    let inquiry = Inquiry { look_only: args.consent.dry_run, ..args.asking.inquiry(&registries) };
    let mut host = context.machine(&cancel, &*reporter)?;
    let cut_off = import::find_cut_off(&mut host, &offer, request)?;
    // A look at another product does not throw away what arrived of one that was cut off.
    if cut_off.is_none() && !(args.consent.dry_run && import::is_paused(&mut host)?) {
        context.recover(&mut host, &*reporter)?;
    }
    let prepared = import::prepare(&host, offer, request, cut_off, &inquiry, &*reporter)?;
    if args.consent.dry_run {
        return context.ui.print(&prepared.plan);
    }
    if is_empty {
        refuse_sweep(context, args, &prepared)?;
    }
    if !prepared.plan.is_empty() && !context.ui.consent(&prepared.plan, args.consent.yes, &cancel)? {
        context.ui.status("Nothing was changed.");
        return Ok(());
    }
    let options = limit(context.hook_options(), args.trial);
    context.begin_change();
    context.ui.print(&prepared.apply(&mut host, &options, &*reporter)?)
}

/// A product without apps removes everything: a `--yes` that was written for other products does not mean that.
fn refuse_sweep(context: &Context, args: &Import, prepared: &Prepared) -> Result<(), CliError> {
    let apps = match prepared.plan.count(Action::Remove) {
        0 => return Ok(()),
        1 => "the 1 app that is installed".to_owned(),
        several => format!("all {several} apps that are installed"),
    };
    let what = format!("`{}` names no apps: it would remove {apps}", args.product.display());
    if args.consent.yes && !args.restore {
        let note = "removes them";
        return Err(CliError::misuse("empty-product", what).hint(Hint::Again { before: "", after: "--restore", note }));
    }
    context.ui.warning(&what);
    Ok(())
}

fn input(context: &Context, product: &Path, cancel: &Cancel) -> Input {
    if product == Path::new("-") {
        return Input::Stream("standard input".to_owned(), Box::new(cancel.watch(io::stdin())));
    }
    let changer = Changer { ui: Arc::clone(&context.ui), cancel: cancel.clone() };
    let media = context.ui.can_ask().then(|| Box::new(changer) as Box<dyn Media>);
    Input::File(product.to_owned(), media)
}

/// Asks the user to change the medium.
struct Changer {
    ui: Arc<Ui>,
    cancel: Cancel,
}

impl Media for Changer {
    fn next(&mut self, wanted: &Path, refused: Option<Error>) -> Result<PathBuf, Error> {
        if let Some(refused) = refused {
            self.ui.warning(&refused.to_string());
        }
        let part = wanted.file_name().unwrap_or_default().to_string_lossy();
        let question = format!("Insert the medium with {part} and press Enter, or type its path: ");
        let answer = self.ui.ask(&question, &self.cancel).map_err(|_| Error::Cancelled)?;
        let answer = answer.trim();
        Ok(if answer.is_empty() { wanted.to_owned() } else { answer.into() })
    }

    fn check(&self) -> Result<(), Error> {
        self.cancel.check()
    }
}
