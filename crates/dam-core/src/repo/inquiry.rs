//! From a name to an image of a registry: who is asked, and when.

use dam_oci::registry::{Credentials, Registry, RegistryFault, Server};
use dam_oci::{Platform, Reference, RegistryImage};

use super::{DOCKER_HUB, Meant, Registries, Repo};
use crate::event::{Event, Reporter, Warning};
use crate::ops::newest;
use crate::store::Store;
use crate::version_order::Newest;
use crate::{Error, Result};

/// What is looked for in registries, and in which.
pub struct Inquiry<'a> {
    /// The registries.
    pub registries: &'a Registries,
    /// Whether the other repos are asked, too, in their order, where a name says none and the default repo does not have it.
    pub any_repo: bool,
    /// The platform to take of images that are made for several; without, that of this machine.
    pub platform: Option<Platform>,
    /// Whether nothing is brought into the store: what would be done is only shown.
    pub look_only: bool,
}

/// An image that a registry has.
#[derive(Debug, Clone)]
pub struct Found {
    /// What it is called on this machine. Has a tag, unless it was named by its digest only.
    pub reference: Reference,
    /// The image. Its blobs are fetched when they are opened.
    pub image: RegistryImage,
    /// The repo it comes from, or the registry where that is no repo.
    pub place: String,
    /// How an engine would fetch it by itself; none where only dam knows the way.
    pub(super) door: Option<Door>,
}

/// What an engine needs to fetch an image.
#[derive(Debug, Clone)]
pub(super) struct Door {
    /// The image by its digest.
    pub(super) exact: Reference,
    /// Who asks.
    pub(super) credentials: Option<Credentials>,
    /// The platform, where that is not the engine's own choice.
    pub(super) platform: Option<Platform>,
}

/// What came of asking before the store is looked into.
pub enum Asked {
    /// It is there.
    Found(Box<Found>),
    /// The repos that are named here do not have it.
    Absent(Vec<String>),
    /// Nobody was to be asked.
    Nobody,
}

/// Where an image is.
pub enum Where {
    /// In the store, under this name.
    Store(Reference),
    /// In a registry.
    Registry(Box<Found>),
}

/// An image that no registry gave.
#[derive(Debug, thiserror::Error)]
#[error("`{reference}` cannot be had from its registry")]
pub struct Unfetched {
    /// The image, as it was meant.
    pub reference: Reference,
    /// What the store has under that name, if anything.
    pub local: Option<Reference>,
    /// Why.
    pub source: Error,
}

/// An image that a repo which was asked does not have.
#[derive(Debug, thiserror::Error)]
#[error("{} no image `{reference}`", if .places.len() == 1 { format!("{} has", .places[0]) } else { format!("{} have", .places.join(" and ")) })]
pub struct Absent {
    /// The image, as it was meant.
    pub reference: Reference,
    /// The repos that do not have it.
    pub places: Vec<String>,
    /// What the store has under that name, if anything.
    pub local: Option<Reference>,
    /// Whether there are other repos, which were not asked.
    pub others: bool,
}

impl Inquiry<'_> {
    /// Finds what `word` names. A repo that somebody configured says what its images are; other registries are asked for
    /// what the store does not have only, and Docker Hub, too, where nobody configured it.
    ///
    /// # Errors
    /// [`Error::Unfetched`] and [`Error::Absent`], which say what the store has; [`Error::NoTag`] where nobody has it.
    pub fn find(&self, store: &dyn Store, word: &Reference, reporter: &dyn Reporter) -> Result<Where> {
        let asked = self.ask_first(word, reporter);
        let places = match self.with_local(asked, store, word)? {
            Asked::Found(found) => return Ok(Where::Registry(found)),
            Asked::Absent(places) => places,
            Asked::Nobody => match self.local(store, word)? {
                Some(local) => return Ok(Where::Store(local)),
                None => match self.ask_last(word, reporter)? {
                    Some(found) => return Ok(Where::Registry(Box::new(found))),
                    None if self.registries.is_offline() => return Err(Error::NoTag(word.clone())),
                    None => return Err(self.absent(word)?),
                },
            },
        };
        // What was made on this machine has no registry in its name.
        let meant = self.meant(word)?;
        if !meant.named
            && *word != meant.reference
            && let Some(local) = held(store, word)?
        {
            return Ok(Where::Store(local));
        }
        let (reference, local, others) =
            (meant.reference.clone(), self.local(store, word)?, self.spares_others(&meant));
        Err(Error::Absent(Box::new(Absent { reference, places, local, others })))
    }

    /// Says that those who were asked do not have what `word` names.
    fn absent(&self, word: &Reference) -> Result<Error> {
        let meant = self.meant(word)?;
        let candidates = self.candidates(&meant)?;
        let places = candidates.iter().map(|(reference, repo)| place(reference, *repo)).collect();
        let (reference, others) = (meant.reference.clone(), self.spares_others(&meant));
        Ok(Error::Absent(Box::new(Absent { reference, places, local: None, others })))
    }

    /// Tells whether there are repos that could have been asked, too.
    fn spares_others(&self, meant: &Meant) -> bool {
        !meant.named && !self.any_repo && self.registries.repos().len() > 1
    }

    /// Asks those that are asked whatever the store has: the repos that somebody configured.
    ///
    /// # Errors
    /// [`Error::Unfetched`], which does not know what the store has.
    pub fn ask_first(&self, word: &Reference, reporter: &dyn Reporter) -> Result<Asked> {
        let meant = self.meant(word)?;
        match meant.repo {
            Some(repo) if repo.is_configured() && !self.registries.is_offline() => {}
            _ => return Ok(Asked::Nobody),
        }
        self.ask(&meant, reporter)
    }

    /// Asks those that are asked for what the store does not have.
    ///
    /// # Errors
    /// [`Error::Unfetched`].
    pub fn ask_last(&self, word: &Reference, reporter: &dyn Reporter) -> Result<Option<Found>> {
        if self.registries.is_offline() {
            return Ok(None);
        }
        match self.ask(&self.meant(word)?, reporter)? {
            Asked::Found(found) => Ok(Some(*found)),
            Asked::Absent(_) | Asked::Nobody => Ok(None),
        }
    }

    /// Asks whoever is meant, whatever the store has.
    ///
    /// # Errors
    /// [`Error::Unfetched`], [`Error::Absent`] and [`Error::Offline`].
    pub fn ask_now(&self, word: &Reference, reporter: &dyn Reporter) -> Result<Found> {
        let meant = self.meant(word)?;
        if self.registries.is_offline() {
            return Err(Error::Offline(meant.reference));
        }
        match self.ask(&meant, reporter)? {
            Asked::Found(found) => Ok(*found),
            Asked::Absent(_) | Asked::Nobody => Err(self.absent(word)?),
        }
    }

    /// Finds what the store has of what `word` names: under its full name, or as it is written.
    pub fn local(&self, store: &dyn Store, word: &Reference) -> Result<Option<Reference>> {
        let meant = self.meant(word)?;
        match held(store, &meant.reference)? {
            None if !meant.named && *word != meant.reference => held(store, word),
            local => Ok(local),
        }
    }

    /// Says in an error what the store has.
    pub fn with_local<T>(&self, asked: Result<T>, store: &dyn Store, word: &Reference) -> Result<T> {
        match asked {
            Err(Error::Unfetched(unfetched)) => {
                let local = self.local(store, word)?;
                Err(Error::Unfetched(Box::new(Unfetched { local, ..*unfetched })))
            }
            asked => asked,
        }
    }

    fn meant(&self, word: &Reference) -> Result<Meant<'_>> {
        Ok(self.registries.meant(word).map_err(dam_oci::Error::from)?)
    }

    /// Asks the repo that is meant and, where that is wanted, those behind it.
    fn ask(&self, meant: &Meant, reporter: &dyn Reporter) -> Result<Asked> {
        let mut places = Vec::new();
        let mut fault = None;
        for (reference, repo) in self.candidates(meant)? {
            let place = place(&reference, repo);
            match self.ask_one(&reference, repo, &place, reporter) {
                Ok(Some(found)) => return Ok(Asked::Found(Box::new(found))),
                Ok(None) => places.push(place),
                Err(Error::Cancelled) => return Err(Error::Cancelled),
                Err(source) => {
                    let unfetched = Unfetched { reference, local: None, source };
                    if !self.any_repo || meant.named {
                        return Err(Error::Unfetched(Box::new(unfetched)));
                    }
                    let what = format!("{place} was left out: {}", unfetched.source);
                    reporter.event(Event::Warning(Warning::Leftover { what: &what }));
                    fault = fault.or(Some(unfetched));
                }
            }
        }
        match fault {
            Some(unfetched) => Err(Error::Unfetched(Box::new(unfetched))),
            None => Ok(Asked::Absent(places)),
        }
    }

    /// Lists who may have it, and under which name.
    fn candidates<'m>(&'m self, meant: &Meant<'m>) -> Result<Vec<(Reference, Option<&'m Repo>)>> {
        let mut candidates = vec![(meant.reference.clone(), meant.repo)];
        if self.any_repo
            && !meant.named
            && let Some(default) = meant.repo
        {
            for repo in self.registries.repos().iter().filter(|repo| repo.id != default.id) {
                let reference = repo.named_here(&default.server, &meant.reference);
                candidates.push((reference.map_err(dam_oci::Error::from)?, Some(repo)));
            }
        }
        Ok(candidates)
    }

    /// Asks one repo or registry: its mirrors first, as long as one of them has it.
    fn ask_one(
        &self,
        reference: &Reference,
        repo: Option<&Repo>,
        place: &str,
        reporter: &dyn Reporter,
    ) -> Result<Option<Found>> {
        for mirror in self.registries.mirrors_of(reference) {
            let Some(origin) = mirror.mirror_of.as_ref().filter(|_| repo.is_none_or(|repo| repo.id != mirror.id))
            else {
                continue;
            };
            let there = mirror.mirrored(origin, reference).map_err(dam_oci::Error::from)?;
            let found = self.registries.open(mirror).and_then(|registry| self.look_up(&registry, &there));
            match found {
                Ok(Some(image)) => return Ok(Some(self.found(reference, image, mirror.name.as_str(), None)?)),
                Ok(None) => {}
                Err(Error::Cancelled) => return Err(Error::Cancelled),
                Err(error) => {
                    let what = format!("the mirror {} was left out: {error}", mirror.name);
                    reporter.event(Event::Warning(Warning::Leftover { what: &what }));
                }
            }
        }
        let registry = match repo {
            Some(repo) => self.registries.open(repo)?,
            None => self.registries.open_for(reference)?,
        };
        let Some(image) = self.look_up(&registry, reference)? else { return Ok(None) };
        let credentials = match repo {
            Some(repo) => self.registries.credentials(repo)?,
            None => self.registries.credentials_for(reference)?,
        };
        let door = if self.registries.is_only_for_dam(repo, &registry) { None } else { Some(credentials) };
        self.found(reference, image, place, door).map(Some)
    }

    fn found(
        &self,
        reference: &Reference,
        (tag, image): (Option<String>, RegistryImage),
        place: &str,
        door: Option<Option<Credentials>>,
    ) -> Result<Found> {
        let named = match &tag {
            Some(tag) => reference.with_tag(tag).map_err(dam_oci::Error::from)?,
            None => reference.clone(),
        };
        let platform = self.platform.clone();
        let door = door.map(|credentials| Door {
            exact: reference.with_digest(image.descriptor.digest),
            credentials,
            platform,
        });
        Ok(Found { reference: named, image, place: place.to_owned(), door })
    }

    /// Opens an image, and says its tag; without tag and digest the newest release is meant.
    fn look_up(&self, registry: &Registry, reference: &Reference) -> Result<Option<(Option<String>, RegistryImage)>> {
        let exact = match (reference.tag(), reference.digest()) {
            (None, None) => match newest_tag(registry, reference)? {
                Some(tag) => reference.with_tag(&tag).map_err(dam_oci::Error::from)?,
                None => return Ok(None),
            },
            _ => reference.clone(),
        };
        let host = Platform::host();
        let opened = registry.image(&exact, self.platform.as_ref().unwrap_or(&host));
        let image = if_there(opened.map_err(dam_oci::Error::from))?;
        Ok(image.map(|image| (exact.tag().map(str::to_owned), image)))
    }
}

/// Returns the tag of the newest release that a repository has.
fn newest_tag(registry: &Registry, reference: &Reference) -> Result<Option<String>> {
    let mut newest = Newest::default();
    let listed = registry.tags(reference.repository(), &mut |tag| {
        newest.offer(&tag);
        true
    });
    if_there(listed.map_err(dam_oci::Error::from))?;
    Ok(newest.version().map(|version| version.as_str().to_owned()))
}

/// Takes a thing that is not there for an answer.
fn if_there<T>(answer: dam_oci::Result<T>) -> Result<Option<T>> {
    match answer {
        Err(dam_oci::Error::Registry(error)) if matches!(error.fault, RegistryFault::NotFound) => Ok(None),
        answer => Ok(Some(answer?)),
    }
}

/// Returns the name under which the store has an image: the newest version, where none is named.
fn held(store: &dyn Store, reference: &Reference) -> Result<Option<Reference>> {
    if reference.tag().is_some() || reference.digest().is_some() {
        return Ok(store.find(reference)?.map(|_| reference.clone()));
    }
    newest(store, reference)
}

/// Returns the name of a repo, or of a registry that is none.
fn place(reference: &Reference, repo: Option<&Repo>) -> String {
    repo.map_or_else(|| Server::of(reference).to_string(), |repo| repo.name.to_string())
}

impl Repo {
    /// Tells whether somebody configured it: Docker Hub is there by itself.
    fn is_configured(&self) -> bool {
        self.id != DOCKER_HUB || self.username.is_some()
    }
}
