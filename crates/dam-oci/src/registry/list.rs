//! Lists of repositories and tags: page by page, and name by name, however long they are.
//!
//! Sources: <https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags> and
//! <https://distribution.github.io/distribution/spec/api/#catalog>.

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;
use std::io::{self, BufReader, Read};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use ureq::http::Uri;

use super::ask::{Answer, Ask, Client, Told};
use super::link::{join, next, same_server};
use super::{RegistryFault, verdict};
use crate::Reference;

/// Names asked for at a time. Registries may give fewer.
const PAGE: usize = 1000;
/// Bytes between two names, at the most.
const NAME_LIMIT: usize = 256 << 10;
/// Pages without a name, one after another, at the most.
const EMPTY_PAGES: usize = 100;

impl Client {
    pub(super) fn catalog(&self, each: &mut dyn FnMut(String) -> bool) -> Told<()> {
        if self.access.server.is_docker_hub() {
            return Err(RegistryFault::NotFound);
        }
        let base = self.base()?;
        let path = self.access.server.path();
        let first = base.url(&format!("_catalog?n={PAGE}"))?;
        let listed = self.list_names(first, |name| base.outer_name(name), each);
        match listed {
            // One registry of several behind one host: each has its own catalog, and knows nothing of the path.
            Err(RegistryFault::NotFound) if !path.is_empty() => {
                let first = base.url(&format!("{path}/_catalog?n={PAGE}"))?;
                self.list_names(first, |name| format!("{path}/{name}"), each)
            }
            listed => listed,
        }
    }

    /// Hands those names of a catalog to `each` that can be an image's: others may be of harm to a terminal.
    fn list_names(&self, first: Uri, outer: impl Fn(&str) -> String, each: &mut dyn FnMut(String) -> bool) -> Told<()> {
        self.list(first, "registry:catalog:*", "repositories", &mut |name| {
            let full = outer(&name);
            match self.access.server.reference(&full, None) {
                Ok(reference) if reference.repository() == full => each(full),
                _ => true,
            }
        })
    }

    pub(super) fn tags(&self, repository: &str, each: &mut dyn FnMut(String) -> bool) -> Told<()> {
        let inner = self.full_name(repository)?;
        let first = self.base()?.url(&format!("{inner}/tags/list?n={PAGE}"))?;
        self.list(first, &format!("repository:{inner}:pull"), "tags", &mut |tag| match Reference::new(
            None,
            "x",
            Some(&tag),
        ) {
            Ok(_) => each(tag),
            Err(_) => true,
        })
    }

    /// Hands all names of a list to `each` until that returns false. `key` is where they stand in the JSON of a page.
    pub(super) fn list(&self, first: Uri, scope: &str, key: &str, each: &mut dyn FnMut(String) -> bool) -> Told<()> {
        let mut url = first;
        let mut seen = HashSet::new();
        let mut empty = 0;
        loop {
            seen.insert(url.to_string());
            let ask = Ask::get(url.clone(), scope).with("accept", "application/json");
            let answer = self.ask(&ask)?;
            let following = following(&url, &answer)?;
            let page = self.read_page(answer, key, each)?;
            empty = if page.names == 0 { empty + 1 } else { 0 };
            match following {
                _ if page.stopped => return Ok(()),
                None => return Ok(()),
                Some(again) if seen.contains(&again.to_string()) => {
                    return Err(RegistryFault::Nonsense("its pages go round in a circle".to_owned()));
                }
                Some(_) if empty > EMPTY_PAGES => {
                    return Err(RegistryFault::Nonsense("it has one empty page after another".to_owned()));
                }
                Some(another) => url = another,
            }
        }
    }

    fn read_page(&self, answer: Answer, key: &str, each: &mut dyn FnMut(String) -> bool) -> Told<Page> {
        let kind = answer.header("content-type").unwrap_or_default().to_owned();
        let room = Cell::new(NAME_LIMIT);
        let body = Measured { inner: answer.head.into_body().into_reader(), room: &room };
        let mut page = Page::default();
        let names = Names { page: &mut page, room: &room, each };
        let mut json = serde_json::Deserializer::from_reader(BufReader::new(body));
        let read = List { key, names }.deserialize(&mut json);
        self.go_on()?;
        match read {
            Ok(()) => Ok(page),
            Err(_) if page.stopped => Ok(page),
            Err(_) if room.get() == 0 => Err(RegistryFault::TooLong(NAME_LIMIT as u64)),
            Err(error) if error.is_io() => Err(verdict::of_io(error.into(), &self.limits)),
            Err(_) if kind.starts_with("text/html") => {
                Err(RegistryFault::Nonsense("it is a web page, and no list".to_owned()))
            }
            Err(error) => {
                Err(RegistryFault::Nonsense(format!("no list in JSON: {}", verdict::shorten(&error.to_string()))))
            }
        }
    }
}

/// Returns the address of the page behind this one.
///
/// # Errors
/// Where it is on another server: nothing makes a registry spread its list, and whoever wants it to may be after the login.
fn following(url: &Uri, answer: &Answer) -> Told<Option<Uri>> {
    let links = answer.head.headers().get_all("link").iter().filter_map(|text| text.to_str().ok());
    let Some(target) = links.filter_map(next).next() else { return Ok(None) };
    let nonsense = || RegistryFault::Nonsense("its next page has no address".to_owned());
    let mut following = join(url, target).ok_or_else(nonsense)?;
    // Behind a proxy that ends TLS, a registry takes its own address for one of plain http.
    if following.authority() == url.authority() && following.scheme_str() == Some("http") {
        following = join(url, following.path_and_query().map_or("/", |path| path.as_str())).ok_or_else(nonsense)?;
    }
    if !same_server(&following, url) {
        let elsewhere = verdict::shorten(following.host().unwrap_or_default());
        return Err(RegistryFault::Nonsense(format!("its next page is on another server, `{elsewhere}`")));
    }
    // Behind a proxy that hides a path, a registry does not know the path that it is below.
    match (following.query(), url.path().strip_suffix(following.path())) {
        (Some(query), Some(hidden)) if !hidden.is_empty() => {
            join(url, &format!("?{query}")).ok_or_else(nonsense).map(Some)
        }
        _ => Ok(Some(following)),
    }
}

/// What came of one page.
#[derive(Default)]
struct Page {
    names: usize,
    stopped: bool,
}

/// Passes a body on as long as there is room for the next name.
struct Measured<'a, R> {
    inner: R,
    room: &'a Cell<usize>,
}

impl<R: Read> Read for Measured<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.room.get());
        if most == 0 {
            return Err(io::Error::other("a name without an end"));
        }
        let count = self.inner.read(&mut buffer[..most])?;
        self.room.set(self.room.get() - count);
        Ok(count)
    }
}

/// The object of a page: names under one key, and whatever else.
struct List<'a, 'k> {
    key: &'k str,
    names: Names<'a>,
}

impl<'de> DeserializeSeed<'de> for List<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for List<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "an object with `{}`", self.key)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut found = false;
        while let Some(key) = map.next_key::<String>()? {
            if key == self.key {
                found = true;
                map.next_value_seed(&mut self.names)?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        if found { Ok(()) } else { Err(serde::de::Error::custom(format!("`{}` is missing", self.key))) }
    }
}

/// Where the names of a page go. `null`, as registries write for a repository whose last tag is gone, is none.
struct Names<'a> {
    page: &'a mut Page,
    room: &'a Cell<usize>,
    each: &'a mut dyn FnMut(String) -> bool,
}

impl<'de> DeserializeSeed<'de> for &mut Names<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Names<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list of names")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        while let Some(name) = sequence.next_element::<String>()? {
            self.page.names += 1;
            self.room.set(NAME_LIMIT);
            if !(self.each)(name) {
                self.page.stopped = true;
                return Err(serde::de::Error::custom("nobody wants more"));
            }
        }
        Ok(())
    }
}
