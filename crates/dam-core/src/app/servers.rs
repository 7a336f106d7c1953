//! The registries an image is tagged for.

use std::collections::BTreeSet;
use std::fmt;

use dam_oci::Reference;
use serde::{Serialize, Serializer};

/// Registries; `None` is Docker Hub. Shown sorted and joined by commas, and with a comma at the end for Docker Hub.
///
/// This is the form of the label `DAM_APP_SERVERS` since DAM 1.x.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Servers(BTreeSet<Option<String>>);

impl Servers {
    /// Reads a list such as `plant:5000,` and adds the registry of the image itself.
    pub fn read(list: Option<&str>, own: Option<&str>) -> Self {
        let server = |server: &str| Some(server.trim().to_owned()).filter(|server| !server.is_empty());
        let listed = list.into_iter().filter(|list| !list.is_empty()).flat_map(|list| list.split(',').map(server));
        Self(listed.chain([own.map(str::to_owned)]).collect())
    }

    /// Collects the registries of an image's names.
    pub fn of<'a>(references: impl IntoIterator<Item = &'a Reference>) -> Self {
        Self(references.into_iter().map(|reference| reference.registry().map(str::to_owned)).collect())
    }
}

impl fmt::Display for Servers {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let named: Vec<_> = self.0.iter().flatten().map(String::as_str).collect();
        f.write_str(&named.join(","))?;
        if self.0.contains(&None) { f.write_str(",") } else { Ok(()) }
    }
}

impl Serialize for Servers {
    /// Writes a list, in which Docker Hub is `docker.io`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|server| server.as_deref().unwrap_or("docker.io")))
    }
}

#[cfg(test)]
mod tests {
    use super::Servers;

    fn shown(list: &str, own: Option<&str>) -> String {
        Servers::read(Some(list), own).to_string()
    }

    #[test]
    fn servers_are_shown_as_dam_1_showed_them() {
        assert_eq!(Servers::read(None, None).to_string(), ",");
        assert_eq!(shown("", None), ",");
        assert_eq!(shown("", Some("localhost:5000")), "localhost:5000");
        assert_eq!(shown("localhost:5000,", None), "localhost:5000,");
        assert_eq!(shown("localhost:5000,", Some("localhost:5000")), "localhost:5000,");
        assert_eq!(shown("test,,test3,test3", None), "test,test3,");
        assert_eq!(shown("b,a", Some("c")), "a,b,c");
    }

    #[test]
    fn names_of_an_image_tell_its_servers() {
        let names = ["ship:5000/shop:1", "shop:1", "ship:5000/shop:2"].map(|name| name.parse().expect("a reference"));
        assert_eq!(Servers::of(&names).to_string(), "ship:5000,");
    }

    #[test]
    fn json_names_docker_hub() {
        let json = serde_json::to_string(&Servers::read(Some("plant:5000,"), None)).expect("strings");
        assert_eq!(json, r#"["docker.io","plant:5000"]"#);
    }
}
