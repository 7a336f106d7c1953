//! Image references, read as Docker reads them.
//!
//! Grammar: <https://github.com/distribution/reference/blob/v0.6.0/reference.go>. A name without a registry is Docker
//! Hub's: the first component names a registry only if it has a `.` or a `:`, is `localhost`, or has capitals. So `a/b:1`
//! is a user's image on Docker Hub and `localhost:5000/b:1` is not.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Digest, ParseDigestError};

/// The longest repository name, in bytes.
const NAME_LIMIT: usize = 255;

/// The name of an image: `[registry/]repository[:tag][@digest]`.
///
/// Docker Hub is the absent registry, and its `library/` is left out: `docker.io/library/busybox:1` and `busybox:1` are
/// equal and shown as the latter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    registry: Option<String>,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Reference {
    /// Joins the parts, checking each.
    pub fn new(registry: Option<&str>, repository: &str, tag: Option<&str>) -> Result<Self, ParseReferenceError> {
        let registry = registry.map(|host| format!("{host}/")).unwrap_or_default();
        let tag = tag.map(|tag| format!(":{tag}")).unwrap_or_default();
        format!("{registry}{repository}{tag}").parse()
    }

    /// Returns the registry's host and port, or `None` for Docker Hub.
    pub fn registry(&self) -> Option<&str> {
        self.registry.as_deref()
    }

    /// Returns the repository, without Docker Hub's `library/`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Returns the tag.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Returns the digest of the manifest.
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// Returns the reference with another tag and no digest.
    pub fn with_tag(&self, tag: &str) -> Result<Self, ParseReferenceError> {
        match is_tag(tag) {
            true => Ok(Self { tag: Some(tag.to_owned()), digest: None, ..self.clone() }),
            false => Self::new(self.registry(), &self.repository, Some(tag)),
        }
    }

    /// Returns the reference with a digest, and the tag it had.
    pub fn with_digest(&self, digest: Digest) -> Self {
        Self { digest: Some(digest), ..self.clone() }
    }

    /// Returns the same repository and tag at another registry (`None` is Docker Hub).
    pub fn at_registry(&self, registry: Option<&str>) -> Result<Self, ParseReferenceError> {
        Self::new(Some(registry.unwrap_or("docker.io")), &self.repository, self.tag())
    }

    /// Tells whether the repository alone would be taken for one at another registry, as `docker.io/plant.site/shop` is.
    fn reads_as_another(&self) -> bool {
        self.registry.is_none() && self.repository.split_once('/').is_some_and(|(first, _)| is_registry(first))
    }

    /// Returns the full form, as registries and containerd know it: `docker.io/library/busybox:1`.
    pub fn canonical(&self) -> String {
        match &self.registry {
            None if !self.repository.contains('/') => format!("docker.io/library/{self}"),
            None if !self.reads_as_another() => format!("docker.io/{self}"),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if let Some(registry) = &self.registry {
            write!(f, "{registry}/")?;
        } else if self.reads_as_another() {
            f.write_str("docker.io/")?;
        }
        f.write_str(&self.repository)?;
        self.tag.iter().try_for_each(|tag| write!(f, ":{tag}"))?;
        self.digest.iter().try_for_each(|digest| write!(f, "@{digest}"))
    }
}

impl FromStr for Reference {
    type Err = ParseReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fault = |reason| ParseReferenceError { text: text.to_owned(), reason };
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => {
                let digest = digest.parse().map_err(|ParseDigestError(_)| fault(ReferenceFault::Digest))?;
                (rest, Some(digest))
            }
            None => (text, None),
        };
        let (name, tag) = match rest.rsplit_once(':') {
            // A colon before the last slash belongs to a port.
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (rest, None),
        };
        if let Some(tag) = tag.filter(|tag| !is_tag(tag)) {
            return Err(fault(if tag.is_empty() { ReferenceFault::EmptyTag } else { ReferenceFault::Tag }));
        }
        let (registry, repository) = match name.split_once('/') {
            Some((host, repository)) if is_registry(host) => (Some(host), repository),
            _ => (None, name),
        };
        let registry = match registry {
            Some("docker.io" | "index.docker.io" | "registry-1.docker.io") => None,
            Some(host) if !is_host(host) => return Err(fault(ReferenceFault::Registry)),
            other => other,
        };
        let repository = match registry {
            // Only names of one part are in `library/`.
            None => repository.strip_prefix("library/").filter(|rest| !rest.contains('/')).unwrap_or(repository),
            Some(_) => repository,
        };
        // As it is shown: the full form of a name is longer, and no other name.
        if registry.map_or(0, |host| host.len() + 1) + repository.len() > NAME_LIMIT {
            return Err(fault(ReferenceFault::Long));
        }
        if repository.is_empty() {
            return Err(fault(ReferenceFault::EmptyName));
        }
        if repository.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(fault(ReferenceFault::Capitals));
        }
        if !repository.split('/').all(is_component) {
            return Err(fault(ReferenceFault::Name));
        }
        Ok(Self {
            registry: registry.map(str::to_owned),
            repository: repository.to_owned(),
            tag: tag.map(str::to_owned),
            digest,
        })
    }
}

fn is_registry(component: &str) -> bool {
    component == "localhost"
        || component.contains(['.', ':'])
        || component.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// `domain-name [":" port]`, or an IPv6 address in brackets.
fn is_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let address = |name: &str| {
        name.strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
            .is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':'))
    };
    port.is_none_or(|port| port.parse::<u16>().is_ok() && port.bytes().all(|byte| byte.is_ascii_digit()))
        && (address(name) || name.split('.').all(label))
}

/// `[a-z0-9]+` joined by `.`, `_`, `__` or any number of `-`.
fn is_component(component: &str) -> bool {
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = component.as_bytes();
    let edges = bytes.first().is_some_and(alphanumeric) && bytes.last().is_some_and(alphanumeric);
    let separators = component
        .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        .all(|between| matches!(between, "" | "." | "_" | "__") || between.bytes().all(|byte| byte == b'-'));
    edges && separators
}

/// `[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}`.
fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= 128
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|byte| word(byte) || byte == b'.' || byte == b'-')
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Why a text is not an image reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an image name: {reason}")]
pub struct ParseReferenceError {
    /// The text.
    pub text: String,
    /// The rule it breaks.
    pub reason: ReferenceFault,
}

/// The rule of the reference grammar that a text breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceFault {
    /// Nothing where the name should be.
    #[error("the name is empty")]
    EmptyName,
    /// A colon with nothing behind it.
    #[error("the version behind the `:` is empty")]
    EmptyTag,
    /// Capitals in the repository.
    #[error("the name must be in lower case")]
    Capitals,
    /// Other characters, or separators in the wrong place.
    #[error("a name is made of lower-case letters and digits, joined by `.`, `_`, `__`, `-` or `/`")]
    Name,
    /// The name is too long.
    #[error("the name is longer than 255 characters")]
    Long,
    /// A bad tag.
    #[error(
        "a version is made of letters, digits, `_`, `.` and `-`, starts with none of the last two and has at most 128 characters"
    )]
    Tag,
    /// A bad host or port.
    #[error("the registry is not a host name with an optional port")]
    Registry,
    /// A bad digest.
    #[error("the digest behind the `@` is not `sha256:` and 64 hex digits")]
    Digest,
}

#[cfg(test)]
mod tests {
    use super::{Reference, ReferenceFault};

    fn parts(text: &str) -> (Option<String>, String, Option<String>) {
        let reference: Reference = text.parse().expect(text);
        assert_eq!(reference.to_string().parse::<Reference>().expect("its own form"), reference);
        assert_eq!(reference.canonical().parse::<Reference>().expect("its full form"), reference);
        (reference.registry, reference.repository, reference.tag)
    }

    fn fault(text: &str) -> ReferenceFault {
        text.parse::<Reference>().expect_err(text).reason
    }

    #[test]
    fn reads_names_as_docker_does() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(parts("shop"), (None, "shop".into(), None));
        assert_eq!(parts("shop:1.0"), (None, "shop".into(), some("1.0")));
        assert_eq!(parts("a/b:1"), (None, "a/b".into(), some("1")));
        assert_eq!(parts("docker.io/library/busybox:1"), (None, "busybox".into(), some("1")));
        assert_eq!(parts("localhost/b:1"), (some("localhost"), "b".into(), some("1")));
        assert_eq!(parts("host:5000/a/b__c--d:v1.2_3-x"), (some("host:5000"), "a/b__c--d".into(), some("v1.2_3-x")));
        assert_eq!(parts("[::1]:5000/a"), (some("[::1]:5000"), "a".into(), None));
        assert_eq!(parts("docker.io/library/a/b"), (None, "library/a/b".into(), None));
        assert_eq!(parts("docker.io/library/library/a"), (None, "library/library/a".into(), None));
        assert_eq!(parts(&"a".repeat(255)), (None, "a".repeat(255), None));
        assert_eq!(parts("reg.plant/library/a:1"), (some("reg.plant"), "library/a".into(), some("1")));
    }

    /// What Docker Hub calls `plant.site/shop` is not what the machine `plant.site` calls `shop`.
    #[test]
    fn a_name_is_shown_as_it_is_read() {
        let hub = "docker.io/plant.site/shop:1";
        assert_eq!(parts(hub), (None, "plant.site/shop".into(), Some("1".into())));
        assert_eq!(hub.parse::<Reference>().expect(hub).to_string(), hub);
        assert_eq!(hub.parse::<Reference>().expect(hub).canonical(), hub);
        let other = hub.parse::<Reference>().expect(hub).with_tag("2").expect("a tag");
        assert_eq!(other.to_string(), "docker.io/plant.site/shop:2");
        let elsewhere: Reference = "plant:5000/plant.site/shop:1".parse().expect("a reference");
        assert_eq!(elsewhere.at_registry(None).expect("a name").to_string(), hub);
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(fault(""), ReferenceFault::EmptyName);
        assert_eq!(fault(":1"), ReferenceFault::EmptyName);
        assert_eq!(fault("shop:"), ReferenceFault::EmptyTag);
        assert_eq!(fault("Shop:1"), ReferenceFault::Capitals);
        assert_eq!(fault("shop..x:1"), ReferenceFault::Name);
        assert_eq!(fault("../shop:1"), ReferenceFault::Registry);
        assert_eq!(fault("shop:.1"), ReferenceFault::Tag);
        assert_eq!(fault("shop:a b"), ReferenceFault::Tag);
        assert_eq!(fault("host:99999/shop"), ReferenceFault::Registry);
        assert_eq!(fault("shop@sha256:12"), ReferenceFault::Digest);
        assert_eq!(fault(&"a".repeat(256)), ReferenceFault::Long);
        assert_eq!(fault(&format!("a:{}", "1".repeat(129))), ReferenceFault::Tag);
    }

    #[test]
    fn the_canonical_form_names_docker_hub() {
        let canonical = |text: &str| text.parse::<Reference>().expect(text).canonical();
        assert_eq!(canonical("shop:1"), "docker.io/library/shop:1");
        assert_eq!(canonical("a/b"), "docker.io/a/b");
        assert_eq!(canonical("plant:5000/b:1"), "plant:5000/b:1");
    }
}
