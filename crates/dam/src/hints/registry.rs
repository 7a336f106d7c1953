//! Advice on registries.

use dam_oci::registry::{RegistryError, RegistryFault as Fault};

use super::Advice;
use crate::error::Hint;

pub(super) fn advise(error: &RegistryError) -> Advice {
    let change = |change: &'static str, note: &'static str| Hint::OfRepo { server: error.server.clone(), change, note };
    let look = || Hint::Command("dam listrepos --check".into(), "asks every registry");
    match &error.fault {
        Fault::Unreachable(_) | Fault::UnknownHost(_) => Advice::with("registry-unreachable", [look()]),
        Fault::Silent(_) | Fault::Lost(_) => Advice::with("registry-lost", [look()]),
        Fault::UnknownAuthority(_) => Advice::with("registry-authority", [change("--ca FILE", "trusts its authority")]),
        Fault::Tls(_) => Advice::new("registry-tls"),
        Fault::PlainHttp => Advice::with("registry-plain-http", [change("--insecure", "accepts that")]),
        Fault::LoginNeeded { shown: false } => {
            Advice::with("registry-login", [change("--username USER", "keeps a login")])
        }
        Fault::LoginNeeded { shown: true } => {
            Advice::with("registry-login", [change("--username USER", "keeps another login")])
        }
        Fault::Forbidden => {
            Advice::with("registry-forbidden", [change("--username USER", "keeps a login that may do that")])
        }
        Fault::NotFound => {
            Advice::with("registry-not-found", [Hint::Command("dam search".into(), "shows what there is")])
        }
        Fault::RateLimited { retry_after } => {
            let wait = retry_after.map(|wait| Hint::Advice(format!("it may be asked again in {} s", wait.as_secs())));
            let login = change("--username USER", "keeps a login: most registries answer users more often");
            Advice::with("registry-busy", wait.into_iter().chain([login]).collect::<Vec<_>>())
        }
        Fault::Status { .. } => Advice::new("registry-status"),
        Fault::Nonsense(_) | Fault::TooLong(_) => {
            let hint = Hint::Advice(format!("see whether `{}` is a registry at all", error.server));
            Advice::with("registry-nonsense", [hint])
        }
        Fault::Unusable { .. } => Advice::new("registry-unusable"),
        Fault::NoPlatform { .. } => Advice::new("no-platform"),
        Fault::Altered(_) => Advice::new("registry-altered"),
        Fault::Stopped => Advice::new("interrupted"),
    }
}
