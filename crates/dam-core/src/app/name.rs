//! Names, versions and families.

use std::fmt;
use std::str::FromStr;

use dam_oci::{ParseReferenceError, Reference};
use serde::{Deserialize, Serialize};

/// Makes a checked text type whose only door is `FromStr`.
macro_rules! word {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameFault;

            fn from_str(text: &str) -> Result<Self, NameFault> {
                let check: fn(&str) -> Result<(), NameFault> = $check;
                check(text).map(|()| Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameFault;

            fn try_from(text: String) -> Result<Self, NameFault> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> Self {
                word.0
            }
        }
    };
}

pub(crate) use word;

word! {
    /// The name of an app: the repository of its image, such as `mongodb` or `tools/backup`, without the registry.
    ///
    /// Docker leaves `library/` out of names of Docker Hub; at any other registry `library/shop` is an app of that name.
    AppName, |text| match text.parse::<Reference>() {
        Ok(reference) if is_repository(&reference, text) => Ok(()),
        Ok(_) => Err(NameFault::Name(text.to_owned())),
        Err(fault) => Err(NameFault::Reference(fault)),
    }
}

/// Tells whether `text`, which reads as `reference`, is a repository and nothing more.
fn is_repository(reference: &Reference, text: &str) -> bool {
    let without_library = text.strip_prefix("library/").unwrap_or(text);
    let plain = reference.registry().is_none() && reference.tag().is_none() && reference.digest().is_none();
    plain && [text, without_library].contains(&reference.repository())
}

word! {
    /// The version of an app: the tag of its image.
    Version, |text| match Reference::new(None, "x", Some(text)) {
        Ok(_) => Ok(()),
        Err(fault) => Err(NameFault::Reference(ParseReferenceError { text: text.to_owned(), ..fault })),
    }
}

word! {
    /// A family: apps of one family exclude each other. 1 to 128 printable characters without spaces.
    Family, |text| {
        let word = (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if word { Ok(()) } else { Err(NameFault::Family(text.to_owned())) }
    }
}

impl From<&AppName> for Family {
    /// An app without a family is a family of its own.
    fn from(name: &AppName) -> Self {
        Self(name.0.chars().take(128).collect())
    }
}

/// A name and a version, written `name:version`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AppId {
    /// The name.
    pub name: AppName,
    /// The version.
    pub version: Version,
}

impl AppId {
    /// Returns the name and version that `reference` stands for, if it has a tag.
    pub fn of(reference: &Reference) -> Option<Self> {
        let name = AppName(reference.repository().to_owned());
        Some(Self { name, version: Version(reference.tag()?.to_owned()) })
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.version)
    }
}

impl FromStr for AppId {
    type Err = NameFault;

    fn from_str(text: &str) -> Result<Self, NameFault> {
        let (name, version) = text.rsplit_once(':').ok_or_else(|| NameFault::NoVersion(text.to_owned()))?;
        Ok(Self { name: name.parse()?, version: version.parse()? })
    }
}

/// Why a text is not a name, version or family.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// It breaks the grammar of image references.
    #[error(transparent)]
    Reference(#[from] ParseReferenceError),
    /// It carries a registry, a tag or a digest.
    #[error("`{0}` is not an app name: a name has no registry and no version")]
    Name(String),
    /// It is not a family.
    #[error("`{0}` is not a family: 1 to 128 printable characters without spaces")]
    Family(String),
    /// It is not the name of a repo.
    #[error("`{0}` is not the name of a repo: 1 to 64 letters, digits, `_` and `-`, not only digits")]
    Repo(String),
    /// The version is missing.
    #[error("`{0}` has no version: an app is written `name:version`")]
    NoVersion(String),
}

#[cfg(test)]
mod tests {
    use super::{AppId, AppName, Family, Version};

    #[test]
    fn names_follow_the_reference_grammar() {
        for good in ["shop", "tools/backup", "a-b_c.d", "library/shop", "library/a/b"] {
            assert_eq!(good.parse::<AppName>().expect(good).as_str(), good);
        }
        for bad in [
            "",
            "Shop",
            "shop:1",
            "host:5000/shop",
            "a b",
            "../x",
            "a;b",
            "docker.io/x",
            "docker.io/library/x",
            "library/x:1",
        ] {
            assert!(bad.parse::<AppName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn versions_and_families() {
        assert!("1.0-rc_2".parse::<Version>().is_ok());
        assert!("-1".parse::<Version>().is_err());
        assert!("UPPER".parse::<Family>().is_ok());
        assert!("a b".parse::<Family>().is_err());
    }

    #[test]
    fn an_app_is_a_name_and_a_version() {
        let id: AppId = "tools/backup:1.0".parse().expect("good");
        assert_eq!((id.name.as_str(), id.version.as_str()), ("tools/backup", "1.0"));
        assert!("shop".parse::<AppId>().is_err());
    }
}
