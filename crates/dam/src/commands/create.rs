//! `dam create`.

use dam_core::ops::create::{self, CreateRequest};
use dam_core::project::Flags;

use crate::args::Create;
use crate::context::Context;
use crate::error::CliError;

/// Makes an app of a folder.
pub(crate) fn run(context: &Context, args: &Create) -> Result<(), CliError> {
    // Nothing is written under a final name before the end, so Ctrl-C may simply end it.
    let reporter = context.reporter();
    let (store, scratch) = (context.store()?, context.scratch()?);
    let request = CreateRequest {
        dir: args.dir.clone(),
        flags: Flags {
            name: args.name.as_ref().map(ToString::to_string),
            version: args.version.as_ref().map(ToString::to_string),
            family: args.family.as_ref().map(ToString::to_string),
            multiversion: (args.multiversion || args.no_multiversion).then_some(args.multiversion),
            tag: args.tag.as_ref().map(ToString::to_string),
        },
        build_args: args.build_arg.iter().map(|pair| (pair.key.clone(), pair.value.clone())).collect(),
        platform: args.platform.clone(),
        env_file: args.env_file.clone(),
        file: args.file.clone(),
        no_cache: args.no_cache,
        strict: args.strict,
        dam_variables: context.variables(),
        builder: context.builder(),
    };
    context.ui.print(&create::create(&*store, scratch.path(), &request, &*reporter)?)
}
