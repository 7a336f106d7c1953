//! `dam addrepo`.

use dam_core::ops::addrepo::{self, AddRepo};

use crate::args::Addrepo;
use crate::context::Context;
use crate::error::CliError;
use crate::password::password;

/// Gives a registry a name.
pub(crate) fn run(context: &Context, args: &Addrepo) -> Result<(), CliError> {
    let (cancel, reporter) = (context.cancel()?, context.reporter());
    let username = args.username.clone().filter(|username| !username.is_empty());
    let password = password(context, &args.password, username.as_deref(), args.name.as_str(), &cancel)?;
    let wish = AddRepo {
        name: args.name.clone(),
        server: args.server.clone(),
        is_default: args.default,
        username,
        password: password.flatten(),
        ca: args.ca.clone(),
        client_cert: args.client_cert.clone(),
        client_key: args.client_key.clone(),
        insecure: args.insecure,
        mirror_of: args.mirror_of.clone(),
    };
    let mut ledger = context.ledger(&cancel, &*reporter)?;
    context.ui.print(&addrepo::add(&mut ledger, wish)?)
}
