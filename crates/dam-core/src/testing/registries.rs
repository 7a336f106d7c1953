//! Registries that nobody asks.

use dam_oci::registry::{Credentials, Network};

use crate::Result;
use crate::repo::{Inquiry, Logins, Registries, Repo};

/// Nobody is logged in.
pub struct NoLogins;

impl Logins for NoLogins {
    fn find(&self, _: &str, _: &str) -> Result<Option<Credentials>> {
        Ok(None)
    }
}

/// Returns the way to the registries of `repos`, without logins and proxies.
pub fn registries(repos: Vec<Repo>) -> Registries {
    Registries::new(repos, Box::new(NoLogins), Network::default())
}

/// Returns registries of which none is asked.
pub fn offline() -> Registries {
    registries(Vec::new()).offline(true)
}

/// Looks for what `registries` have for this machine, to bring it into the store.
pub fn plain_inquiry(registries: &Registries) -> Inquiry<'_> {
    Inquiry { registries, any_repo: false, platform: None, look_only: false }
}
