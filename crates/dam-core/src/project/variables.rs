//! Variables, merged from all their sources.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::Environment;
use crate::app::{FAMILY, MULTIVERSION, NAME, SERVERS, VERSION};

/// The variable with the image's full name.
pub const TAG: &str = "DAM_APP_TAG";

/// The variables dam computes itself. An empty value of one counts as none.
pub const RESERVED: [&str; 6] = [NAME, VERSION, FAMILY, MULTIVERSION, TAG, SERVERS];

/// Where a value comes from, low to high: a later source wins over an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A variable of the operating system.
    System,
    /// `ENV` or `ARG` of the Dockerfile.
    Dockerfile(PathBuf),
    /// A file of variables.
    Environment {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
    },
    /// A flag of the command.
    Flag(&'static str),
    /// Computed by dam.
    Computed,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::System => f.write_str("an environment variable"),
            Self::Dockerfile(path) => write!(f, "from `{}`", path.display()),
            Self::Environment { path, line } => write!(f, "from `{}` line {line}", path.display()),
            Self::Flag(flag) => write!(f, "from the flag `{flag}`"),
            Self::Computed => f.write_str("computed"),
        }
    }
}

/// Variables by name. Names and values are bytes: files are not always UTF-8.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<Vec<u8>, Variable>);

/// A value and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The value, as it is written.
    pub value: Vec<u8>,
    /// Where it comes from.
    pub origin: Origin,
}

impl Variables {
    /// Sets a variable, unless a higher source has set it already. An empty value of a reserved variable is no value.
    pub fn set(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>, origin: Origin) {
        let (key, value) = (key.into(), value.into());
        let unset = value.is_empty() && RESERVED.iter().any(|reserved| reserved.as_bytes() == key);
        if unset || self.0.get(&key).is_some_and(|known| known.origin > origin) {
            return;
        }
        self.0.insert(key, Variable { value, origin });
    }

    /// Adds variables of the operating system; only those that start with `DAM_` count.
    pub fn with_system(mut self, variables: &[(String, String)]) -> Self {
        for (key, value) in variables.iter().filter(|(key, _)| key.starts_with("DAM_")) {
            self.set(key.as_str(), value.as_str(), Origin::System);
        }
        self
    }

    /// Adds the variables of a Dockerfile.
    pub fn with_dockerfile(mut self, path: &Path, variables: &[(String, String)]) -> Self {
        for (key, value) in variables {
            self.set(key.as_str(), value.as_str(), Origin::Dockerfile(path.to_owned()));
        }
        self
    }

    /// Adds the variables of a file.
    pub fn with_environment(mut self, environment: &Environment) -> Self {
        let path = environment.path.clone().unwrap_or_default();
        for assignment in &environment.assignments {
            let origin = Origin::Environment { path: path.clone(), line: assignment.line };
            self.set(assignment.key.as_slice(), assignment.value.as_slice(), origin);
        }
        self
    }

    /// Returns a variable.
    pub fn get(&self, key: &[u8]) -> Option<&Variable> {
        self.0.get(key)
    }

    /// Returns the length of the longest name, in bytes.
    pub(super) fn longest_key(&self) -> usize {
        self.0.keys().map(Vec::len).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Origin, Variables};
    use crate::project::environment::{Assignment, Environment};

    fn value<'a>(variables: &'a Variables, key: &str) -> Option<&'a str> {
        variables.get(key.as_bytes()).map(|variable| std::str::from_utf8(&variable.value).expect("text"))
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        let assignment = |(index, (key, value)): (usize, &(&str, &str))| Assignment {
            key: key.as_bytes().to_vec(),
            value: value.as_bytes().to_vec(),
            line: index + 1,
        };
        Environment {
            path: Some("ENVIRONMENT".into()),
            assignments: pairs.iter().enumerate().map(assignment).collect(),
        }
    }

    #[test]
    fn a_later_source_wins() {
        let variables = Variables::default()
            .with_system(&pairs(&[("DAM_A", "os"), ("DAM_B", "os"), ("DAM_C", "os"), ("HOME", "os")]))
            .with_dockerfile(
                Path::new("Dockerfile"),
                &pairs(&[("DAM_B", "docker"), ("DAM_C", "docker"), ("D", "docker")]),
            )
            .with_environment(&environment(&[("DAM_C", "first"), ("DAM_C", "last")]));
        assert_eq!(value(&variables, "DAM_A"), Some("os"));
        assert_eq!(value(&variables, "DAM_B"), Some("docker"));
        assert_eq!(value(&variables, "DAM_C"), Some("last"));
        assert_eq!(value(&variables, "D"), Some("docker"));
        assert_eq!(value(&variables, "HOME"), None);
    }

    #[test]
    fn the_order_of_adding_does_not_matter() {
        let variables = Variables::default()
            .with_environment(&environment(&[("DAM_A", "file")]))
            .with_system(&pairs(&[("DAM_A", "os")]));
        assert_eq!(value(&variables, "DAM_A"), Some("file"));
    }

    #[test]
    fn only_a_reserved_variable_cannot_be_empty() {
        let variables = Variables::default()
            .with_system(&pairs(&[("DAM_APP_NAME", "shop"), ("DAM_A", "os")]))
            .with_environment(&environment(&[("DAM_APP_NAME", ""), ("DAM_A", "")]));
        assert_eq!(value(&variables, "DAM_APP_NAME"), Some("shop"));
        assert_eq!(value(&variables, "DAM_A"), Some(""));
    }

    #[test]
    fn an_origin_says_where_to_look() {
        let origin = Origin::Environment { path: "a/ENVIRONMENT".into(), line: 3 };
        assert_eq!(origin.to_string(), "from `a/ENVIRONMENT` line 3");
    }
}
