//! `dam engine init`.

use std::io;

use dam_core::Error;
use dam_core::ops::engine::init::init;

use crate::args::Init;
use crate::context::Context;
use crate::error::{CliError, Hint};
use crate::invocation::quote;

/// Writes a recipe to begin with.
pub(super) fn run(context: &Context, args: &Init) -> Result<(), CliError> {
    let begun = init(&args.file).map_err(|error| match &error {
        Error::Access { path, source } if source.kind() == io::ErrorKind::AlreadyExists => {
            let build = format!("dam engine build {}", quote(&path.display().to_string()));
            CliError::new("exists", format!("`{}` is there already, and is left as it is", path.display()))
                .hint(Hint::Command(build, "builds what it says"))
        }
        _ => error.into(),
    })?;
    context.ui.print(&begun)
}
