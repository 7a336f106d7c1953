//! Advice on files that a recipe names by URL.

use dam_core::engine::InputError;
use dam_oci::registry::{DownloadError, RegistryFault as Fault};

use super::{Advice, access, engine, fetch};
use crate::error::Hint;

/// Advises on a file that is not at hand.
pub(super) fn input(error: &InputError) -> Advice {
    match error {
        InputError::Download(fault) => download(fault),
        InputError::Changed { .. } => changed(),
        InputError::Digest { path, .. } => engine::wrong_digest(path),
        InputError::Unpinned { .. } => {
            let note = "downloads what the recipe names, and notes the digests";
            Advice::with("unpinned", [Hint::Command("dam engine fetch".into(), note)])
        }
        InputError::Offline { .. } => fetch::offline_wanted(),
    }
}

fn download(error: &DownloadError) -> Advice {
    match error {
        DownloadError::Failed { fault, .. } => failed(fault),
        DownloadError::PlainHttp { .. } => {
            let advice = "give its digest, as its publisher says it, as `sha256`; or take an address with https";
            Advice::with("plain-http", [Hint::Advice(advice.into())])
        }
        DownloadError::Digest { .. } => changed(),
        DownloadError::Large { .. } => Advice::new("download-too-large"),
        DownloadError::Access { path, source } => access(path, source),
    }
}

/// Advises on a file that changed at its server.
fn changed() -> Advice {
    let advice =
        "see what its publisher says; if the new one is right, take `sha256` out of the recipe and fetch again";
    Advice::with("wrong-digest", [Hint::Advice(advice.into())])
}

/// Advises on a server that gives no file, or the way there.
fn failed(fault: &Fault) -> Advice {
    let by_hand = || Hint::Advice("download it elsewhere, and give its `path` instead of its `url`".into());
    let again = |before, note| [Hint::Again { before, after: "", note }];
    match fault {
        Fault::Unreachable(_) | Fault::UnknownHost(_) => Advice::with("download-unreachable", [by_hand()]),
        Fault::Silent(_) | Fault::Lost(_) => Advice::with("download-lost", again("", "tries it again")),
        Fault::UnknownAuthority(_) => {
            let note = "trusts the authorities of that file, and no others";
            Advice::with("download-authority", again("SSL_CERT_FILE=ca.pem", note))
        }
        Fault::Tls(_) | Fault::PlainHttp => Advice::new("download-tls"),
        Fault::LoginNeeded { .. } | Fault::Forbidden => Advice::with("download-forbidden", [by_hand()]),
        Fault::NotFound => {
            let advice = "see whether the publisher has that version, and that file name";
            Advice::with("download-not-found", [Hint::Advice(advice.into())])
        }
        Fault::RateLimited { retry_after } => {
            let wait = retry_after.map(|wait| Hint::Advice(format!("it may be asked again in {} s", wait.as_secs())));
            Advice::with("download-busy", wait.into_iter().collect::<Vec<_>>())
        }
        Fault::Status { .. } => Advice::new("download-status"),
        // The last two are said of images alone.
        Fault::Nonsense(_) | Fault::TooLong(_) | Fault::NoPlatform { .. } | Fault::Altered(_) => {
            Advice::new("download-nonsense")
        }
        Fault::Unusable { .. } => Advice::new("download-unusable"),
        Fault::Stopped => Advice::new("interrupted"),
    }
}
