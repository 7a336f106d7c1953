//! The layers of a stream, each handed over once, as it passes.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::archive::oci::member_name;
use crate::archive::tape::Tape;
use crate::{Descriptor, Digest, Error, Image, Manifest, Result, VerifyingReader};

/// The one place in a stream that all of its images read from. Small blobs were read before and are kept.
pub(super) struct Cursor {
    what: String,
    small: BTreeMap<Digest, Vec<u8>>,
    /// The layers in the order they must come.
    layers: Vec<Descriptor>,
    places: HashMap<Digest, usize>,
    place: Mutex<Place>,
    hash_skipped: AtomicBool,
}

/// Where reading stands.
enum Place {
    /// Nobody reads; `next` is the next layer to come.
    Free { tape: Box<Tape>, next: usize },
    /// A reader is about.
    Taken,
    /// Reading failed, so nobody knows what the next byte is.
    Lost,
}

impl Cursor {
    /// Begins before the first of `layers`, which must come in this order.
    pub(super) fn new(tape: Tape, small: BTreeMap<Digest, Vec<u8>>, layers: Vec<Descriptor>) -> Self {
        let places = layers.iter().enumerate().map(|(place, layer)| (layer.digest, place)).collect();
        let what = tape.what().to_owned();
        let place = Mutex::new(Place::Free { tape: Box::new(tape), next: 0 });
        Self { what, small, layers, places, place, hash_skipped: AtomicBool::new(false) }
    }

    /// Compares the digests of layers that are passed over, too.
    pub(super) fn hash_skipped(&self) {
        self.hash_skipped.store(true, Ordering::Relaxed);
    }

    /// Passes over all layers that are left, and the mark at the end.
    pub(super) fn pass_rest(&self) -> Result<()> {
        let mut lease = self.lease()?;
        while lease.next < self.layers.len() {
            lease.skip()?;
        }
        lease.try_tape(Tape::end)
    }

    /// Reads to the end of the stream.
    pub(super) fn drain(&self) -> Result<()> {
        self.lease()?.try_tape(Tape::drain)
    }

    /// Finds the place of a layer that is still to come; `next` is the next one.
    fn place_of(&self, layer: &Descriptor, next: usize) -> Result<usize> {
        let digest = layer.digest;
        match self.places.get(&digest) {
            Some(&place) if place >= next => Ok(place),
            Some(_) => Err(Error::PassedBlob { digest }),
            None => Err(Error::MissingBlob { digest }),
        }
    }

    /// Takes the stream for one reader. A second one is refused rather than let wait: it may be the first one's own.
    fn lease(&self) -> Result<Lease<'_>> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *place, Place::Taken) {
            Place::Free { tape, next } => Ok(Lease { cursor: self, tape: Some(tape), next, lost: false }),
            Place::Taken => Err(Error::Unsupported { what: format!("reading two layers of {} at once", self.what) }),
            Place::Lost => {
                *place = Place::Lost;
                Err(Error::damaged(self.what.as_str(), "reading it has failed before"))
            }
        }
    }
}

/// Exclusive use of the stream, given back when it is dropped. Reading from it reads the layer that was gone to last.
struct Lease<'a> {
    cursor: &'a Cursor,
    tape: Option<Box<Tape>>,
    next: usize,
    lost: bool,
}

impl Lease<'_> {
    fn try_tape<T>(&mut self, act: impl FnOnce(&mut Tape) -> Result<T>) -> Result<T> {
        let done = act(self.tape.as_deref_mut().expect("taken only when dropped"));
        self.lost |= done.is_err();
        done
    }

    /// Goes to the layer at `place`, past those before it.
    fn go_to(&mut self, place: usize) -> Result<()> {
        while self.next < place {
            self.skip()?;
        }
        self.step().map(drop)
    }

    /// Goes to the next layer.
    fn step(&mut self) -> Result<Descriptor> {
        let layer = self.cursor.layers[self.next].clone();
        self.try_tape(|tape| tape.expect("layer", &member_name(layer.digest), layer.size))?;
        self.next += 1;
        Ok(layer)
    }

    /// Passes over the next layer. That all of it is there shows itself when the tape goes on.
    fn skip(&mut self) -> Result<()> {
        let layer = self.step()?;
        if self.cursor.hash_skipped.load(Ordering::Relaxed) {
            let what = format!("layer {}", layer.digest);
            io::copy(&mut VerifyingReader::new(self, &layer), &mut io::sink()).map_err(Error::stream(what))?;
        }
        Ok(())
    }
}

impl Read for Lease<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let tape = self.tape.as_deref_mut().expect("taken only when dropped");
        let count = tape.read(buffer);
        self.lost |= count.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::Interrupted);
        count
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let Some(tape) = self.tape.take() else { return };
        let place = if self.lost { Place::Lost } else { Place::Free { tape, next: self.next } };
        *self.cursor.place.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }
}

/// An image of a stream.
pub(super) struct StreamedImage {
    pub(super) cursor: std::sync::Arc<Cursor>,
    pub(super) bytes: Vec<u8>,
    pub(super) manifest: Manifest,
}

impl Image for StreamedImage {
    fn manifest_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Opens a blob. A layer takes the stream, up to it and while the reader lives.
    fn open_unverified(&self, blob: &Descriptor) -> Result<Box<dyn Read + Send + '_>> {
        if let Some(bytes) = self.cursor.small.get(&blob.digest) {
            return Ok(Box::new(&bytes[..]));
        }
        let mut lease = self.cursor.lease()?;
        let place = self.cursor.place_of(blob, lease.next)?;
        lease.go_to(place)?;
        Ok(Box::new(lease))
    }

    /// Goes forward through the stream, once. Before the first blob is handed over, [`Error::PassedBlob`] names one that
    /// has gone by.
    fn visit_unverified(
        &self,
        wanted: &[Descriptor],
        visit: &mut dyn FnMut(&Descriptor, &mut dyn Read) -> Result<()>,
    ) -> Result<()> {
        let (small, layers): (Vec<_>, Vec<_>) =
            wanted.iter().partition(|blob| self.cursor.small.contains_key(&blob.digest));
        let mut places = BTreeMap::new();
        if !layers.is_empty() {
            let next = self.cursor.lease()?.next;
            for layer in layers {
                if places.insert(self.cursor.place_of(layer, next)?, layer).is_some() {
                    return Err(Error::PassedBlob { digest: layer.digest });
                }
            }
        }
        small.into_iter().try_for_each(|blob| visit(blob, &mut &self.cursor.small[&blob.digest][..]))?;
        if places.is_empty() {
            return Ok(());
        }
        let mut lease = self.cursor.lease()?;
        for (place, layer) in places {
            lease.go_to(place)?;
            visit(layer, &mut lease)?;
        }
        Ok(())
    }
}
