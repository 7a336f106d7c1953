//! Manifests: what a tag stands for, and which image of an index is for a platform.
//!
//! Source: <https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests>.

use ureq::http::{Method, StatusCode};

use super::ask::{Answer, Ask, Client, Told};
use super::{RegistryFault, verdict};
use crate::{Descriptor, Digest, Index, JSON_LIMIT, Manifest, Platform, media_type};

/// All kinds of manifests that dam reads.
const ACCEPTED: [&str; 4] =
    [media_type::MANIFEST, media_type::INDEX, media_type::DOCKER_MANIFEST, media_type::DOCKER_INDEX];
/// How deep indexes may be nested.
const DEPTH: usize = 4;

/// A manifest or index with its exact bytes.
pub(super) struct Fetched {
    pub(super) descriptor: Descriptor,
    pub(super) bytes: Vec<u8>,
}

/// What `mediaType` says, for answers whose header says nothing of use.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    media_type: Option<String>,
    schema_version: Option<u32>,
    #[serde(default)]
    manifests: Option<serde::de::IgnoredAny>,
}

impl Client {
    /// Describes what a tag or digest stands for, without fetching it where the registry lets us; `None` if there is none.
    pub(super) fn describe(&self, repository: &str, name: &str) -> Told<Option<Descriptor>> {
        let ask = self.manifest_request(repository, name)?;
        match self.ask(&ask.clone().by(Method::HEAD)) {
            Err(RegistryFault::NotFound) => return Ok(None),
            // Some servers and proxies know no HEAD.
            Err(RegistryFault::Status { status: 400 | 405 | 501, .. }) => {}
            Err(fault) => return Err(fault),
            Ok(answer) => {
                if let Some(descriptor) = described(&answer) {
                    return same_digest(descriptor, name).map(Some);
                }
            }
        }
        match self.fetch_manifest(repository, name) {
            Err(RegistryFault::NotFound) => Ok(None),
            fetched => Ok(Some(fetched?.descriptor)),
        }
    }

    /// Fetches a manifest or index by tag or digest, and compares it with the digest that is known or promised.
    pub(super) fn fetch_manifest(&self, repository: &str, name: &str) -> Told<Fetched> {
        let answer = self.ask(&self.manifest_request(repository, name)?)?;
        let promised = answer.header("docker-content-digest").and_then(|text| text.parse::<Digest>().ok());
        let said = media_type_of(&answer);
        let html = answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
        let bytes = self.read_all(answer.head, JSON_LIMIT)?;
        let digest = Digest::of(&bytes);
        if let Some(promised) = promised.filter(|promised| *promised != digest) {
            return Err(RegistryFault::Nonsense(format!("the manifest that it calls {promised} is {digest}")));
        }
        let media_type = match said {
            Some(said) => said,
            None => kind(&bytes, html)?,
        };
        let descriptor = same_digest(Descriptor::new(&media_type, digest, bytes.len() as u64), name)?;
        Ok(Fetched { descriptor, bytes })
    }

    /// Fetches the manifest for a platform: what `name` stands for, and the manifest.
    pub(super) fn fetch_image(&self, repository: &str, name: &str, platform: &Platform) -> Told<(Descriptor, Fetched)> {
        let mut fetched = self.fetch_manifest(repository, name)?;
        let found = fetched.descriptor.clone();
        for _ in 0..DEPTH {
            if media_type::is_manifest(&fetched.descriptor.media_type) {
                return Ok((found, fetched));
            }
            let index: Index = parse(&fetched.bytes)?;
            let chosen = choose(&index, platform)?;
            fetched = self.fetch_manifest(repository, &chosen.digest.to_string())?;
        }
        Err(RegistryFault::Nonsense(format!("its indexes are nested more than {DEPTH} deep")))
    }

    fn manifest_request(&self, repository: &str, name: &str) -> Told<Ask> {
        let inner = self.full_name(repository)?;
        let url = self.base()?.url(&format!("{inner}/manifests/{name}"))?;
        let ask = Ask::get(url, &format!("repository:{inner}:pull"));
        Ok(ask.with("accept", ACCEPTED.join(", ")))
    }
}

/// Parses a manifest.
pub(super) fn parse<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Told<T> {
    let nonsense = |error: serde_json::Error| {
        RegistryFault::Nonsense(format!("its manifest is none: {}", verdict::shorten(&error.to_string())))
    };
    serde_json::from_slice(bytes).map_err(nonsense)
}

/// Checks what no manifest may say: that it is another version than 2.
pub(super) fn parse_manifest(bytes: &[u8]) -> Told<Manifest> {
    let manifest: Manifest = parse(bytes)?;
    match manifest.schema_version {
        2 => Ok(manifest),
        other => Err(RegistryFault::Nonsense(format!("its manifest is of version {other}"))),
    }
}

fn media_type_of(answer: &Answer) -> Option<String> {
    let said = answer.header("content-type")?.split(';').next()?.trim();
    ACCEPTED.contains(&said).then(|| said.to_owned())
}

/// Describes a manifest by the headers of an answer, if they say all.
fn described(answer: &Answer) -> Option<Descriptor> {
    if answer.head.status() != StatusCode::OK {
        return None;
    }
    let digest = answer.header("docker-content-digest")?.parse().ok()?;
    let size = answer.header("content-length")?.parse().ok()?;
    Some(Descriptor::new(&media_type_of(answer)?, digest, size))
}

/// Fails where something was asked for by digest and has another.
fn same_digest(descriptor: Descriptor, name: &str) -> Told<Descriptor> {
    match name.parse::<Digest>() {
        Ok(asked) if asked != descriptor.digest => {
            Err(RegistryFault::Nonsense(format!("asked for {asked}, it gives {}", descriptor.digest)))
        }
        _ => Ok(descriptor),
    }
}

/// Tells the kind of a manifest by what is in it.
fn kind(bytes: &[u8], html: bool) -> Told<String> {
    let kind: Told<Kind> = parse(bytes);
    if html && kind.is_err() {
        return Err(RegistryFault::Nonsense("it is a web page, and no manifest".to_owned()));
    }
    match kind? {
        Kind { schema_version: Some(1), .. } => {
            Err(RegistryFault::Nonsense("it has the image in the form of Docker 1.9 only (schema 1)".to_owned()))
        }
        Kind { media_type: Some(said), .. } if ACCEPTED.contains(&&*said) => Ok(said),
        Kind { media_type: Some(said), .. } => {
            Err(RegistryFault::Nonsense(format!("it is no image, but `{}`", verdict::shorten(&said))))
        }
        Kind { manifests: Some(_), .. } => Ok(media_type::INDEX.to_owned()),
        _ => Ok(media_type::MANIFEST.to_owned()),
    }
}

/// Chooses the manifest for a platform; the only one there is will do too, its platform is for the caller to judge.
fn choose<'a>(index: &'a Index, wanted: &Platform) -> Told<&'a Descriptor> {
    // Build records stand beside images, for a platform that is none.
    let is_image =
        |entry: &&Descriptor| entry.platform.as_ref().is_none_or(|platform| platform.architecture != "unknown");
    let offered: Vec<&Descriptor> = index.manifests.iter().filter(is_image).collect();
    let fits = |entry: &&&Descriptor| {
        entry.platform.as_ref().is_some_and(|it| it.os == wanted.os && it.architecture == wanted.architecture)
    };
    let variant = |entry: &Descriptor| entry.platform.as_ref().and_then(|platform| platform.variant.clone());
    let fitting: Vec<&Descriptor> = offered.iter().filter(fits).copied().collect();
    // Who names no variant gets what runs everywhere, if the index has such a thing.
    let exact = fitting.iter().find(|entry| variant(entry) == wanted.variant);
    // `arm64` and `arm64/v8` are two names of one thing.
    let close = fitting.iter().find(|entry| wanted.variant.is_none() || variant(entry).is_none());
    match (exact.or(close), &offered[..]) {
        (Some(entry), _) => Ok(entry),
        (None, [only]) if only.platform.is_none() => Ok(only),
        _ => {
            let name = |entry: &&Descriptor| entry.platform.as_ref().map_or("any".to_owned(), Platform::to_string);
            let found = offered.iter().take(20).map(name).map(|name| verdict::shorten(&name)).collect();
            Err(RegistryFault::NoPlatform { wanted: wanted.to_string(), found })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::choose;
    use crate::registry::RegistryFault;
    use crate::{Descriptor, Index, Platform, media_type};

    fn index(platforms: &[&str]) -> Index {
        let manifests = platforms.iter().map(|text| Descriptor {
            platform: text.parse().ok(),
            ..Descriptor::of(media_type::MANIFEST, text.as_bytes())
        });
        Index { manifests: manifests.collect(), ..Index::default() }
    }

    fn chosen(platforms: &[&str], wanted: &str) -> Option<usize> {
        let index = index(platforms);
        let chosen = choose(&index, &wanted.parse::<Platform>().expect(wanted)).ok()?;
        index.manifests.iter().position(|entry| entry == chosen)
    }

    #[test]
    fn the_image_of_the_platform_is_chosen() {
        let all = ["linux/386", "linux/amd64", "linux/arm/v6", "linux/arm/v7", "linux/arm64/v8", "unknown/unknown"];
        assert_eq!(chosen(&all, "linux/amd64"), Some(1));
        assert_eq!(chosen(&all, "linux/arm/v7"), Some(3));
        assert_eq!(chosen(&all, "linux/arm64"), Some(4));
        assert_eq!(chosen(&all, "linux/s390x"), None);
        assert_eq!(chosen(&["linux/arm64"], "linux/arm64/v8"), Some(0));
        assert_eq!(chosen(&["linux/amd64/v3", "linux/amd64"], "linux/amd64"), Some(1));
        assert_eq!(chosen(&["none", "unknown/unknown"], "linux/amd64"), Some(0));
        assert_eq!(chosen(&["windows/amd64"], "linux/amd64"), None);
    }

    #[test]
    fn a_platform_that_is_missing_is_named_with_those_that_are_there() {
        let index = index(&["linux/386", "linux/arm/v7"]);
        let fault = choose(&index, &"linux/amd64".parse().expect("a platform"));
        let Err(RegistryFault::NoPlatform { wanted, found }) = fault else { panic!("{fault:?}") };
        assert_eq!((&*wanted, found.join(" ")), ("linux/amd64", "linux/386 linux/arm/v7".to_owned()));
    }
}
