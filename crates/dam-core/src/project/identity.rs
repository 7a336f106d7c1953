//! What an app will be called: the reserved variables, computed.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use dam_oci::Reference;

use super::variables::TAG;
use super::{Origin, ProjectError, Variables};
use crate::app::{AppId, AppName, FAMILY, Family, MULTIVERSION, NAME, NameFault, SERVERS, Servers, VERSION, Version};

/// The version of an app that nobody gave one.
const DEFAULT_VERSION: &str = "SNAPSHOT";

/// What the flags of the command say. An empty text says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--name`.
    pub name: Option<String>,
    /// `--version`.
    pub version: Option<String>,
    /// `--family`.
    pub family: Option<String>,
    /// `--multiversion`, `--multiversion=false`.
    pub multiversion: Option<bool>,
    /// `--tag`: the image's whole name.
    pub tag: Option<String>,
}

/// What an app is called, and what its labels say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Name and version.
    pub app: AppId,
    /// The family; the name if nobody gave one.
    pub family: Family,
    /// Whether several versions may be installed side by side.
    pub multiversion: bool,
    /// The image's name.
    pub reference: Reference,
    /// Registries the image is tagged for.
    pub servers: Servers,
}

impl Identity {
    /// Computes what the app in `folder` is called: from the flags, else the variables, else the folder's name and
    /// `SNAPSHOT`. The image belongs to the registry in `--tag`, else to `default_server` (`None` is Docker Hub).
    pub fn compute(
        flags: &Flags,
        variables: &Variables,
        folder: &Path,
        default_server: Option<&str>,
    ) -> Result<Self, ProjectError> {
        let tag = given(&flags.tag).map(read_tag).transpose()?;
        if let Some(tag) = &tag {
            agree(tag, "--name", given(&flags.name), Some(tag.repository()))?;
            agree(tag, "--version", given(&flags.version), tag.tag())?;
        }
        let name = match &tag {
            Some(tag) => Some(parse(NAME, tag.repository(), &Origin::Flag("--tag"))?),
            None => read(NAME, "--name", &flags.name, variables)?,
        };
        let name: AppName = match name {
            Some(name) => name,
            None => folder_name(folder)?,
        };
        let version = match tag.as_ref().and_then(Reference::tag) {
            Some(version) => Some(parse(VERSION, version, &Origin::Flag("--tag"))?),
            None => read(VERSION, "--version", &flags.version, variables)?,
        };
        let version: Version = version.unwrap_or_else(|| DEFAULT_VERSION.parse().expect("a version"));
        let family = read(FAMILY, "--family", &flags.family, variables)?.unwrap_or_else(|| Family::from(&name));
        let multiversion = match flags.multiversion {
            Some(multiversion) => multiversion,
            None => text(MULTIVERSION, variables)?.is_some_and(|(value, _)| value == "true"),
        };
        let server = tag.as_ref().map_or(default_server, Reference::registry);
        let reference =
            Reference::new(server, name.as_str(), Some(version.as_str())).map_err(ProjectError::Reference)?;
        let servers = Servers::read(text(SERVERS, variables)?.map(|(list, _)| list), reference.registry());
        Ok(Self { app: AppId { name, version }, family, multiversion, reference, servers })
    }

    /// Returns the reserved variables with their values.
    pub fn reserved(&self) -> [(&'static str, String); 6] {
        [
            (NAME, self.app.name.to_string()),
            (VERSION, self.app.version.to_string()),
            (FAMILY, self.family.to_string()),
            (MULTIVERSION, self.multiversion.to_string()),
            (TAG, self.reference.to_string()),
            (SERVERS, self.servers.to_string()),
        ]
    }

    /// Returns the labels of the image.
    pub fn labels(&self) -> BTreeMap<String, String> {
        let dam = self.reserved().into_iter().filter(|(name, _)| *name != TAG);
        let title = ("org.opencontainers.image.title", self.app.name.to_string());
        let version = ("org.opencontainers.image.version", self.app.version.to_string());
        dam.chain([title, version]).map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// An empty flag is one that was not given.
fn given(flag: &Option<String>) -> Option<&str> {
    flag.as_deref().filter(|text| !text.is_empty())
}

fn read_tag(text: &str) -> Result<Reference, ProjectError> {
    let tag: Reference = text.parse().map_err(ProjectError::Tag)?;
    match tag.digest() {
        Some(_) => Err(ProjectError::TagWithDigest { tag: text.to_owned() }),
        None => Ok(tag),
    }
}

/// Fails if a flag and the same part of the tag are both given and differ.
fn agree(tag: &Reference, flag: &'static str, value: Option<&str>, part: Option<&str>) -> Result<(), ProjectError> {
    match (value, part) {
        (Some(value), Some(part)) if value != part => {
            Err(ProjectError::Contradiction { tag: tag.to_string(), flag, value: value.to_owned() })
        }
        _ => Ok(()),
    }
}

/// Reads a flag, or else a variable.
fn read<T: FromStr<Err = NameFault>>(
    variable: &'static str,
    flag: &'static str,
    value: &Option<String>,
    variables: &Variables,
) -> Result<Option<T>, ProjectError> {
    if let Some(value) = given(value) {
        return parse(variable, value, &Origin::Flag(flag)).map(Some);
    }
    text(variable, variables)?.map(|(value, origin)| parse(variable, value, origin)).transpose()
}

fn parse<T: FromStr<Err = NameFault>>(variable: &'static str, value: &str, origin: &Origin) -> Result<T, ProjectError> {
    value.parse().map_err(|source| ProjectError::Value { variable, origin: origin.clone(), source })
}

fn text<'a>(name: &'static str, variables: &'a Variables) -> Result<Option<(&'a str, &'a Origin)>, ProjectError> {
    let Some(variable) = variables.get(name.as_bytes()) else { return Ok(None) };
    match std::str::from_utf8(&variable.value) {
        Ok(text) => Ok(Some((text, &variable.origin))),
        Err(_) => Err(ProjectError::NotText { variable: name, origin: variable.origin.clone() }),
    }
}

/// Makes a folder's name the name of an app: in lower case, with `-` for what a name cannot have.
fn folder_name(folder: &Path) -> Result<AppName, ProjectError> {
    let fault = || ProjectError::NoName { folder: folder.to_owned() };
    let name = folder.file_name().ok_or_else(fault)?.to_string_lossy().to_lowercase();
    let letter = |c: char| c.is_ascii_alphanumeric();
    let name = name.trim_matches(|c| !letter(c));
    let mut result = String::new();
    for piece in name.split_inclusive(letter) {
        let (between, last) = piece.split_at(piece.len() - 1);
        // Only these may stand between letters and digits; a `-` may stand for anything.
        let kept = matches!(between, "" | "." | "_" | "__") || between.bytes().all(|byte| byte == b'-');
        result.push_str(if kept { between } else { "-" });
        result.push_str(last);
    }
    result.parse().map_err(|_| fault())
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::path::Path;

    use super::{Flags, Identity, folder_name};
    use crate::project::{Origin, ProjectError, Variables};

    fn flags(pairs: &[(&str, &str)]) -> Flags {
        let flag = |name: &str| pairs.iter().find(|pair| pair.0 == name).map(|pair| pair.1.to_owned());
        Flags {
            name: flag("name"),
            version: flag("version"),
            family: flag("family"),
            multiversion: flag("multiversion").map(|value| value == "true"),
            tag: flag("tag"),
        }
    }

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        let mut variables = Variables::default();
        for (line, (key, value)) in (1..).zip(pairs) {
            variables.set(*key, *value, Origin::Environment { path: "ENVIRONMENT".into(), line });
        }
        variables
    }

    fn compute(given: &[(&str, &str)], known: &[(&str, &str)], server: Option<&str>) -> Result<Identity, ProjectError> {
        Identity::compute(&flags(given), &variables(known), Path::new("/apps/My Shop"), server)
    }

    fn reserved(given: &[(&str, &str)], known: &[(&str, &str)], server: Option<&str>) -> Vec<String> {
        let identity = compute(given, known, server).expect("good values");
        identity.reserved().into_iter().map(|(_, value)| value).collect()
    }

    fn fault(given: &[(&str, &str)], known: &[(&str, &str)]) -> String {
        let error = compute(given, known, None).expect_err("a bad value");
        let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
        format!("{error}{cause}")
    }

    #[test]
    fn nothing_given_is_the_folder_and_snapshot() {
        let expected = ["my-shop", "SNAPSHOT", "my-shop", "false", "my-shop:SNAPSHOT", ","];
        assert_eq!(reserved(&[], &[], None), expected);
        let empty = [("DAM_APP_NAME", ""), ("DAM_APP_VERSION", ""), ("DAM_APP_FAMILY", "")];
        assert_eq!(reserved(&[("name", ""), ("tag", "")], &empty, None), expected);
    }

    #[test]
    fn flags_win_over_variables() {
        let known = [
            ("DAM_APP_NAME", "a"),
            ("DAM_APP_VERSION", "1"),
            ("DAM_APP_FAMILY", "f"),
            ("DAM_APP_MULTIVERSION", "true"),
        ];
        assert_eq!(reserved(&[], &known, None), ["a", "1", "f", "true", "a:1", ","]);
        let given = [("name", "b"), ("version", "2"), ("family", "g"), ("multiversion", "false")];
        assert_eq!(reserved(&given, &known, None), ["b", "2", "g", "false", "b:2", ","]);
    }

    #[test]
    fn only_true_means_many_versions() {
        assert_eq!(reserved(&[], &[("DAM_APP_MULTIVERSION", "yes")], None)[3], "false");
        assert_eq!(reserved(&[("multiversion", "true")], &[], None)[3], "true");
    }

    #[test]
    fn the_tag_is_always_computed() {
        assert_eq!(reserved(&[], &[("DAM_APP_TAG", "x:1")], None)[4], "my-shop:SNAPSHOT");
        assert_eq!(reserved(&[], &[], Some("plant:5000"))[4], "plant:5000/my-shop:SNAPSHOT");
    }

    #[test]
    fn the_servers_are_the_list_and_the_images_own() {
        assert_eq!(reserved(&[], &[], Some("localhost:5000"))[5], "localhost:5000");
        assert_eq!(reserved(&[], &[("DAM_APP_SERVERS", "localhost:5000,")], None)[5], "localhost:5000,");
        assert_eq!(reserved(&[], &[("DAM_APP_SERVERS", "test,,test3,test3")], None)[5], "test,test3,");
        assert_eq!(reserved(&[("tag", "plant:5000/a:1")], &[], Some("other"))[5], "plant:5000");
    }

    #[test]
    fn a_tag_gives_name_and_version() {
        let known = [("DAM_APP_NAME", "a"), ("DAM_APP_VERSION", "3")];
        assert_eq!(reserved(&[("tag", "plant:5000/t/b:2")], &known, None)[..2], ["t/b", "2"]);
        assert_eq!(reserved(&[("tag", "plant:5000/b")], &known, None)[4], "plant:5000/b:3");
        assert_eq!(reserved(&[("tag", "b:2"), ("name", "b"), ("version", "2")], &known, None)[4], "b:2");
        assert_eq!(reserved(&[("tag", "b"), ("version", "2")], &known, None)[4], "b:2");
    }

    #[test]
    fn a_tag_and_another_flag_must_agree() {
        let expected = "`--tag b:2` and `--name a` contradict each other";
        assert_eq!(fault(&[("tag", "b:2"), ("name", "a")], &[]), expected);
        let expected = "`--tag b:2` and `--version 3` contradict each other";
        assert_eq!(fault(&[("tag", "b:2"), ("version", "3")], &[]), expected);
        let digest = format!("b@sha256:{}", "0".repeat(64));
        assert_eq!(fault(&[("tag", &digest)], &[]), format!("`--tag {digest}` has a digest"));
        assert!(fault(&[("tag", "B:1")], &[]).starts_with("`--tag` cannot be used: `B:1` is not an image name"));
    }

    #[test]
    fn a_bad_value_is_named_with_its_origin() {
        let told = fault(&[("name", "Shop")], &[]);
        assert!(
            told.starts_with("the value of `DAM_APP_NAME` (from the flag `--name`) cannot be used: `Shop`"),
            "{told}"
        );
        let told = fault(&[], &[("DAM_X", "1"), ("DAM_APP_VERSION", "1 0")]);
        assert!(
            told.starts_with("the value of `DAM_APP_VERSION` (from `ENVIRONMENT` line 2) cannot be used"),
            "{told}"
        );
        assert!(fault(&[("family", "a b")], &[]).contains("`a b` is not a family"));
        let mut variables = Variables::default();
        variables.set("DAM_APP_NAME", b"\xff".as_slice(), Origin::System);
        let error = Identity::compute(&Flags::default(), &variables, Path::new("/a"), None).expect_err("no text");
        assert_eq!(error.to_string(), "the value of `DAM_APP_NAME` (an environment variable) is not UTF-8 text");
    }

    #[test]
    fn a_folder_gives_a_name_where_it_can() {
        let name = |folder: &str| folder_name(Path::new(folder)).ok().map(String::from);
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(name("/apps/MongoDB"), some("mongodb"));
        assert_eq!(name("/apps/my app_2.0--x__y"), some("my-app_2.0--x__y"));
        assert_eq!(name("/apps/.a..b_-c (old)"), some("a-b-c-old"));
        assert_eq!(name("/apps/été"), some("t"));
        assert_eq!(name("/apps/магазин"), None);
        assert_eq!(name("/apps/_-."), None);
        assert_eq!(name("/"), None);
    }

    #[test]
    fn labels_say_the_same() {
        let identity = compute(&[("tag", "plant:5000/b:2")], &[], None).expect("good");
        let labels: Vec<_> = identity.labels().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let expected = [
            "DAM_APP_FAMILY=b",
            "DAM_APP_MULTIVERSION=false",
            "DAM_APP_NAME=b",
            "DAM_APP_SERVERS=plant:5000",
            "DAM_APP_VERSION=2",
            "org.opencontainers.image.title=b",
            "org.opencontainers.image.version=2",
        ];
        assert_eq!(labels, expected);
    }
}
