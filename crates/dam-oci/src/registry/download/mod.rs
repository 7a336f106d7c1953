//! Files of web servers: written as they come, hashed while they pass, and read on where the connection was cut.
//!
//! Here, for the client is the one that registries have: its proxies, authorities, time limits and redirects. Source:
//! <https://www.rfc-editor.org/rfc/rfc9110#section-14>.

mod error;
mod part;
mod transfer;

use std::fs;
use std::path::Path;

use ureq::http::Uri;

use self::part::Part;
use self::transfer::Transfer;
use super::ask::Client;
use super::{Access, Network, RegistryFault, Server};
use crate::Digest;

pub use error::DownloadError;

/// A file that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Download<'a> {
    /// Where it is: `https://…`, or `http://…` with a pin. Loopback may speak plain http without one.
    pub url: &'a str,
    /// The digest it must have.
    pub pin: Option<Digest>,
    /// The most bytes it may have.
    pub limit: u64,
}

/// A file that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downloaded {
    /// Its length in bytes.
    pub size: u64,
    /// Its digest.
    pub digest: Digest,
    /// Bytes of it that an earlier download had left.
    pub resumed: u64,
}

/// What happens while a file comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// An answer begins, as the first or as a further one. With the bytes that are there already, and those of all if the
    /// server says so.
    Begun {
        /// Bytes that are there.
        done: u64,
        /// Bytes of all.
        total: Option<u64>,
    },
    /// So many more bytes are there.
    Advanced(u64),
}

/// Downloads a file to `path`, in a folder that is there. It appears by rename, once it is whole and has the digest.
///
/// With a pin, what a lost connection leaves stays as `PATH.part`, and the next download goes on from there: the digest
/// tells whether the halves belong together. Without, a new download begins anew. Connections that are lost are made
/// again as [`Network::limits`] say, and go on where they were lost if the server can do that.
///
/// # Errors
/// [`DownloadError`]. A wrong digest, a file that is too long and a full disk leave nothing.
pub fn download(
    wanted: &Download,
    network: &Network,
    path: &Path,
    watch: &mut dyn FnMut(Step),
) -> Result<Downloaded, DownloadError> {
    let url = wanted.url;
    let failed = |fault| DownloadError::Failed { url: url.to_owned(), fault };
    let no_address = || failed(RegistryFault::Nonsense("that is no address of a file".to_owned()));
    let address: Uri = url.parse().map_err(|_| no_address())?;
    let server = address.authority().and_then(|host| host.as_str().parse::<Server>().ok()).ok_or_else(no_address)?;
    if wanted.pin.is_none() && !is_safe(&address) {
        return Err(DownloadError::PlainHttp { url: url.to_owned() });
    }
    let client = Client::build(Access::anonymous(server), network).map_err(failed)?;
    let mut part = Part::open(path, wanted.pin.is_some())?;
    let resumed = part.position();
    if resumed > 0 && wanted.pin == Some(part.digest()) {
        return Ok(Downloaded { size: resumed, digest: part.place(path)?, resumed });
    }
    let mut transfer = Transfer::new(&client, wanted, address, &mut part, watch);
    let digest = match (transfer.run()?, wanted.pin) {
        // Halves of two files, perhaps: what is wrong in one piece is wrong for good.
        (digest, Some(pin)) if digest != pin && transfer.is_joined() => transfer.run_anew()?,
        (digest, _) => digest,
    };
    let (size, resumed) = (transfer.size(), if transfer.has_begun_anew() { 0 } else { resumed });
    if let Some(pin) = wanted.pin.filter(|pin| *pin != digest) {
        part.remove();
        return Err(DownloadError::Digest { url: url.to_owned(), found: digest, wanted: pin });
    }
    part.place(path)?;
    Ok(Downloaded { size, digest, resumed })
}

/// Tells whether what comes from there is what its server sent.
fn is_safe(address: &Uri) -> bool {
    let is_loopback = || address.authority().and_then(|host| host.as_str().parse::<Server>().ok());
    address.scheme_str() == Some("https") || is_loopback().is_some_and(|server| server.is_loopback())
}

/// Removes a file, if it can be.
fn remove(path: &Path) {
    // What cannot be removed is found damaged by the next download, which begins anew.
    let _ = fs::remove_file(path);
}
