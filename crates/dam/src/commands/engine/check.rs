//! `dam engine check`.

use dam_core::ops::engine::check::{Checked, check};
use dam_pack::targets::Target;

use crate::args::Check;
use crate::context::Context;
use crate::error::CliError;
use crate::show::AllChecked;

/// Says what of packages their targets cannot read.
pub(super) fn run(context: &Context, args: &Check) -> Result<(), CliError> {
    let targets: Vec<Target> = if args.target.is_empty() { Target::all().collect() } else { args.target.clone() };
    let reporter = context.reporter();
    let mut packages = Vec::new();
    for path in &args.packages {
        match check(path, &targets, &*reporter) {
            Ok(checked) => packages.push(checked),
            Err(error) => {
                // With --json the error is the one document.
                context.ui.preview(&AllChecked { packages });
                return Err(error.into());
            }
        }
    }
    let is_good = packages.iter().all(Checked::is_good);
    context.ui.print(&AllChecked { packages })?;
    if is_good { Ok(()) } else { Err(CliError::told()) }
}
