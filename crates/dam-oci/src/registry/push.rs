//! Putting an image into a registry.
//!
//! Source: <https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#push>.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use ureq::http::Method;

use super::ask::{Ask, Client, Told};
use super::send::{Trouble, send};
use super::upload::{Begun, Upload};
use super::{Registry, RegistryError, RegistryFault};
use crate::{Descriptor, Digest, Image, JSON_LIMIT, Reference};

/// Blobs that are on their way at once: enough to fill the pauses between requests, few enough for a slow disk.
const AT_ONCE: usize = 4;

/// What a push came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pushed {
    /// The manifest, as the registry keeps it.
    pub digest: Digest,
    /// Bytes that were sent: blobs and manifest.
    pub bytes: u64,
    /// Blobs that were sent.
    pub sent: usize,
    /// Blobs that the registry took over from another repository of its own.
    pub mounted: usize,
    /// Blobs that were there already.
    pub present: usize,
}

/// What became of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Sent(u64),
    Mounted,
    Present,
}

impl Registry {
    /// Puts an image under a reference, by tag or, where it has none, by digest. The manifest goes byte for byte, after all
    /// it names. Blobs that are there are not sent, and those of `elsewhere`, which says in which other repository of this
    /// registry a blob is, are taken from there if the registry does that. What it then keeps is compared with what was
    /// sent. `on_bytes` hears of every byte that is there, sent or not, once; it is called on several threads.
    ///
    /// # Errors
    /// [`crate::Error::Registry`], with [`RegistryFault::Altered`] where the registry keeps something else; those of reading
    /// the image. What had arrived by then stays there, and is not sent again by the next push.
    pub fn push(
        &self,
        image: &dyn Image,
        reference: &Reference,
        elsewhere: &BTreeMap<Digest, String>,
        on_bytes: &(dyn Fn(u64) + Sync),
    ) -> crate::Result<Pushed> {
        let push = Push::prepare(self, image, reference)?;
        let bring = |blob: &Descriptor| push.bring(blob, elsewhere.get(&blob.digest), on_bytes);
        let fates = at_once(&push.blobs(), &bring).map_err(|(blob, trouble)| push.failed(Some(blob), trouble))?;
        let put = push.put_manifest().map_err(|fault| push.failed(None, fault.into()))?;
        Ok(push.outcome(&fates, if put { image.manifest_bytes().len() as u64 } else { 0 }))
    }

    /// Finds out what [`Registry::push`] would do, and sends nothing.
    ///
    /// # Errors
    /// Those of asking.
    pub fn compare(
        &self,
        image: &dyn Image,
        reference: &Reference,
        elsewhere: &BTreeMap<Digest, String>,
    ) -> crate::Result<Pushed> {
        let push = Push::prepare(self, image, reference)?;
        let look = |blob: &Descriptor| match push.has(blob)? {
            Some(_) => Ok(Fate::Present),
            None if elsewhere.contains_key(&blob.digest) => Ok(Fate::Mounted),
            None => Ok(Fate::Sent(blob.size)),
        };
        let fates = at_once(&push.blobs(), &look).map_err(|(blob, trouble)| push.failed(Some(blob), trouble))?;
        let same = push.is_whole().map_err(|fault| push.failed(None, fault.into()))?;
        Ok(push.outcome(&fates, if same { 0 } else { image.manifest_bytes().len() as u64 }))
    }
}

/// One image on its way.
struct Push<'a> {
    registry: &'a Registry,
    image: &'a dyn Image,
    reference: &'a Reference,
    digest: Digest,
    /// What the registry itself calls the repository.
    repository: String,
    scope: String,
}

impl<'a> Push<'a> {
    fn prepare(registry: &'a Registry, image: &'a dyn Image, reference: &'a Reference) -> crate::Result<Self> {
        let digest = Digest::of(image.manifest_bytes());
        let mut push = Self { registry, image, reference, digest, repository: String::new(), scope: String::new() };
        let name = push.client().full_name(reference.repository());
        push.repository = name.map_err(|fault| push.failed(None, fault.into()))?;
        push.scope = format!("repository:{}:pull,push", push.repository);
        Ok(push)
    }

    fn client(&self) -> &'a Client {
        &self.registry.client
    }

    /// Returns what the manifest names, each once.
    fn blobs(&self) -> Vec<Descriptor> {
        let manifest = self.image.manifest();
        let mut once: Vec<Descriptor> = Vec::with_capacity(manifest.layers.len() + 1);
        for blob in manifest.layers.iter().chain([&manifest.config]) {
            if !once.iter().any(|known| known.digest == blob.digest) {
                once.push(blob.clone());
            }
        }
        once
    }

    /// Sees to it that a blob is there.
    fn bring(
        &self,
        blob: &Descriptor,
        elsewhere: Option<&String>,
        on_bytes: &(dyn Fn(u64) + Sync),
    ) -> Result<Fate, Trouble> {
        if self.has(blob)?.is_some() {
            on_bytes(blob.size);
            return Ok(Fate::Present);
        }
        let (client, scope, repository) = (self.client(), &self.scope, &self.repository);
        let upload = Upload { client, scope, repository, image: self.image, blob, on_bytes };
        let begun = match elsewhere {
            Some(from) => Some(upload.mount(&client.full_name(from)?)?),
            None => None,
        };
        let fate = match begun {
            Some(Begun::Mounted) => {
                on_bytes(blob.size);
                Fate::Mounted
            }
            Some(Begun::Refused) | None => upload.run(None).map(|()| Fate::Sent(blob.size))?,
            Some(Begun::Session(session)) => upload.run(Some(session)).map(|()| Fate::Sent(blob.size))?,
        };
        match self.has(blob)? {
            Some(size) if size.is_none_or(|size| size == blob.size) => Ok(fate),
            found => {
                let size = found.flatten().map_or("nothing".to_owned(), |size| format!("{size} bytes"));
                let text = format!("{size} where {} has {}", blob.digest, blob.size);
                Err(RegistryFault::Altered(text).into())
            }
        }
    }

    /// Asks for a blob; the length is what the registry says of it.
    #[expect(clippy::option_option, reason = "a blob may be there without saying how long it is")]
    fn has(&self, blob: &Descriptor) -> Told<Option<Option<u64>>> {
        let url = self.client().base()?.url(&format!("{}/blobs/{}", self.repository, blob.digest))?;
        match self.client().ask(&Ask::get(url, &self.scope).by(Method::HEAD)) {
            Ok(answer) => {
                let size = answer.header("content-length").and_then(|size| size.parse().ok());
                self.client().drain(answer);
                Ok(Some(size))
            }
            Err(RegistryFault::NotFound) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Puts the manifest there, unless it is, and looks at what is there then. Returns whether it was sent.
    fn put_manifest(&self) -> Told<bool> {
        if self.is_whole()? {
            return Ok(false);
        }
        let (client, bytes) = (self.client(), self.image.manifest_bytes());
        let digest = self.digest.to_string();
        let place = self.reference.tag().unwrap_or(&digest);
        let url = client.base()?.url(&format!("{}/manifests/{place}", self.repository))?;
        let ask = Ask::get(url, &self.scope).by(Method::PUT).with("content-type", self.image.manifest().media_type());
        let answer = client.patiently(super::verdict::may_pass, || send(client, &ask, bytes))?;
        client.drain(answer);
        match self.is_whole()? {
            true => Ok(true),
            false => Err(RegistryFault::Altered(format!("its manifest is not {digest}"))),
        }
    }

    /// Tells whether the registry gives the manifest as it is, by digest and, if there is one, by tag.
    fn is_whole(&self) -> Told<bool> {
        let digest = self.digest.to_string();
        for place in [Some(digest.as_str()), self.reference.tag()].into_iter().flatten() {
            let url = self.client().base()?.url(&format!("{}/manifests/{place}", self.repository))?;
            let ask = Ask::get(url, &self.scope).with("accept", self.image.manifest().media_type());
            let answer = match self.client().ask(&ask) {
                Ok(answer) => answer,
                Err(RegistryFault::NotFound) => return Ok(false),
                Err(fault) => return Err(fault),
            };
            if self.client().read_all(answer.head, JSON_LIMIT)? != self.image.manifest_bytes() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Counts.
    fn outcome(&self, fates: &[Fate], manifest: u64) -> Pushed {
        let count = |wanted: fn(&Fate) -> bool| fates.iter().filter(|fate| wanted(fate)).count();
        let bytes = fates.iter().map(|fate| if let Fate::Sent(bytes) = fate { *bytes } else { 0 }).sum::<u64>();
        Pushed {
            digest: self.digest,
            bytes: bytes + manifest,
            sent: count(|fate| matches!(fate, Fate::Sent(_))),
            mounted: count(|fate| *fate == Fate::Mounted),
            present: count(|fate| *fate == Fate::Present),
        }
    }

    /// Names what failed.
    fn failed(&self, blob: Option<Digest>, trouble: Trouble) -> crate::Error {
        let fault = match trouble {
            Trouble::Source(error) => return error,
            Trouble::Fault(fault) => fault,
        };
        let name = match (self.reference.tag(), self.reference.repository()) {
            (Some(tag), repository) => format!("`{repository}:{tag}`"),
            (None, repository) => format!("`{repository}`"),
        };
        let asked = match blob {
            Some(digest) => format!("take blob {digest} of {name}"),
            None => format!("take {name}"),
        };
        RegistryError { server: self.registry.server().to_string(), asked, fault }.into()
    }
}

/// Does something with each of `blobs`, a few at once. After the first error nothing more is begun.
fn at_once<T: Send>(
    blobs: &[Descriptor],
    work: &(dyn Fn(&Descriptor) -> Result<T, Trouble> + Sync),
) -> Result<Vec<T>, (Digest, Trouble)> {
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let results = Mutex::new(Vec::with_capacity(blobs.len()));
    let worker = || {
        while !failed.load(Ordering::Relaxed) {
            let Some(blob) = blobs.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
            let result = work(blob).map_err(|trouble| (blob.digest, trouble));
            failed.fetch_or(result.is_err(), Ordering::Relaxed);
            results.lock().expect("no worker panics with it").push(result);
        }
    };
    thread::scope(|scope| {
        for _ in 1..AT_ONCE.min(blobs.len()) {
            scope.spawn(worker);
        }
        worker();
    });
    results.into_inner().expect("no worker panics with it").into_iter().collect()
}
