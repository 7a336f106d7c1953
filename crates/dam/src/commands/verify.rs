//! `dam verify`.

use std::path::Path;

use dam_core::app::AppName;
use dam_core::ops::verify::verify;
use dam_core::ops::verify_file::{VerifyTarget, verify_file};

use super::change::Change;
use crate::args::Verify;
use crate::context::Context;
use crate::error::CliError;

/// Compares what is installed with what the store holds, or reads all of a file.
pub(crate) fn run(context: &Context, args: &Verify) -> Result<(), CliError> {
    match &args.target {
        Some(VerifyTarget::File(path)) => file(context, path),
        Some(VerifyTarget::App(name)) => installed(context, Some(name)),
        None => installed(context, None),
    }
}

fn installed(context: &Context, name: Option<&AppName>) -> Result<(), CliError> {
    let change = Change::open(context)?;
    let verified = verify(&change.host, name)?;
    context.ui.print(&verified)?;
    if verified.faults() == 0 { Ok(()) } else { Err(CliError::told()) }
}

fn file(context: &Context, path: &Path) -> Result<(), CliError> {
    let verified = verify_file(path, &context.scratch()?, &*context.reporter())?;
    context.ui.print(&verified)?;
    if verified.faults.is_empty() { Ok(()) } else { Err(CliError::told()) }
}
