//! `dam pull`.

use dam_core::ops::pull::pull;
use dam_core::repo::Inquiry;

use crate::args::Pull;
use crate::context::Context;
use crate::error::CliError;
use crate::show::AllPulled;

/// Fetches images into the store. What has come stays when a later one fails.
pub(crate) fn run(context: &Context, args: &Pull) -> Result<(), CliError> {
    let (cancel, reporter) = (context.cancel()?, context.reporter());
    let registries = context.registries(&cancel)?;
    let platform = args.platform.clone();
    let inquiry = Inquiry { registries: &registries, any_repo: false, platform, look_only: false };
    let store = context.store()?;
    let mut images = Vec::new();
    for word in &args.images {
        match pull(&*store, word, &inquiry, &cancel, &*reporter) {
            Ok(pulled) => images.push(pulled),
            Err(error) => {
                // With --json the error is the one document.
                context.ui.preview(&AllPulled { images });
                return Err(error.into());
            }
        }
    }
    context.ui.print(&AllPulled { images })
}
