//! `dam modifyrepo`.

use dam_core::ops::modifyrepo::{self, ModifyRepo};
use dam_core::repo::rules;

use crate::args::Modifyrepo;
use crate::context::Context;
use crate::error::{CliError, Hint};
use crate::password::password;

/// Changes what is known of a registry.
pub(crate) fn run(context: &Context, args: &Modifyrepo) -> Result<(), CliError> {
    if args.is_empty() {
        return Err(CliError::misuse("usage", "`dam modifyrepo` needs something to change")
            .hint(Hint::command("dam modifyrepo --help")));
    }
    let (cancel, reporter) = (context.cancel()?, context.reporter());
    // A slip in the name is told before anybody types a password.
    let registries = context.registries(&cancel)?;
    let old = rules::find(registries.repos(), &args.repo).map_err(dam_core::Error::from)?;
    let username = args.username.as_ref().and_then(|new| new.0.as_deref());
    let password = password(context, &args.password, username, old.name.as_str(), &cancel)?;
    let wish = ModifyRepo {
        repo: args.repo.clone(),
        name: args.name.clone(),
        server: args.server.clone(),
        is_default: args.is_default(),
        username: args.username.clone().map(|new| new.0),
        password,
        ca: args.ca.clone().map(|new| new.0),
        client_cert: args.client_cert.clone().map(|new| new.0),
        client_key: args.client_key.clone().map(|new| new.0),
        insecure: args.insecure(),
        mirror_of: args.mirror_of.clone().map(|new| new.0),
    };
    let mut ledger = context.ledger(&cancel, &*reporter)?;
    context.ui.print(&modifyrepo::modify(&mut ledger, wish)?)
}
