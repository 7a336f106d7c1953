//! The labels an app's image carries.

use std::collections::{BTreeMap, BTreeSet};

use super::{AppName, Family, NameFault};

/// Label with the app's name (since 2.0).
pub const NAME: &str = "DAM_APP_NAME";
/// Label with the app's version (since 2.0).
pub const VERSION: &str = "DAM_APP_VERSION";
/// Label with the app's family.
pub const FAMILY: &str = "DAM_APP_FAMILY";
/// Label that is `true` if several versions may be installed side by side.
pub const MULTIVERSION: &str = "DAM_APP_MULTIVERSION";
/// Label with the registries the image is tagged for, joined by commas; an empty element is Docker Hub.
pub const SERVERS: &str = "DAM_APP_SERVERS";

/// What the labels say, with the defaults of DAM 1.x.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// The family; the app's name where the label is absent or empty.
    pub family: Family,
    /// Whether several versions may be installed side by side; only the word `true` says so.
    pub multiversion: bool,
    /// Registries the image is tagged for; `None` is Docker Hub. The app's own registry need not be among them.
    pub servers: BTreeSet<Option<String>>,
}

impl Labels {
    /// Reads the labels of the app `name`.
    pub fn read(name: &AppName, labels: &BTreeMap<String, String>) -> Result<Self, NameFault> {
        let family = match labels.get(FAMILY).map(String::as_str) {
            None | Some("") => Family::from(name),
            Some(family) => family.parse()?,
        };
        let multiversion = labels.get(MULTIVERSION).is_some_and(|value| value == "true");
        let servers = labels.get(SERVERS).map(|servers| read_servers(servers)).unwrap_or_default();
        Ok(Self { family, multiversion, servers })
    }
}

/// Splits a servers label: `a,b,` is `a`, `b` and Docker Hub. An absent or empty label names nothing.
fn read_servers(label: &str) -> BTreeSet<Option<String>> {
    if label.is_empty() {
        return BTreeSet::new();
    }
    label.split(',').map(|server| Some(server.trim().to_owned()).filter(|server| !server.is_empty())).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{FAMILY, Labels, MULTIVERSION, SERVERS};

    fn read(labels: &[(&str, &str)]) -> Labels {
        let labels: BTreeMap<_, _> = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Labels::read(&"shop".parse().expect("a name"), &labels).expect("good labels")
    }

    #[test]
    fn absent_labels_have_the_defaults_of_dam_1() {
        let labels = read(&[]);
        assert_eq!((labels.family.as_str(), labels.multiversion, labels.servers.len()), ("shop", false, 0));
        assert_eq!(read(&[(FAMILY, "")]).family.as_str(), "shop");
    }

    #[test]
    fn only_true_is_true() {
        assert!(read(&[(MULTIVERSION, "true")]).multiversion);
        assert!(!read(&[(MULTIVERSION, "yes")]).multiversion);
    }

    #[test]
    fn an_empty_server_is_docker_hub() {
        let servers = read(&[(SERVERS, "localhost:5000,")]).servers;
        assert_eq!(servers.into_iter().collect::<Vec<_>>(), [None, Some("localhost:5000".to_owned())]);
        assert_eq!(read(&[(SERVERS, ",")]).servers.len(), 1);
    }
}
