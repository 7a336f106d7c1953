//! A line of `Repos`: `id;default;name;server;login;base64(password)`.

use serde::Serialize;

use super::Row;
use super::line::{LineProblem, field, fields, mark, number};

/// Number of Docker Hub.
const OFFICIAL: u32 = 1;

/// A registry that DAM 1.x knew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LegacyRepo {
    /// Its number; 1 is Docker Hub.
    pub id: u32,
    /// Whether names without a registry belong to it.
    pub is_default: bool,
    /// Its name.
    pub name: String,
    /// Its host with an optional port, or what else stood before the name of an image; a URL for Docker Hub.
    pub server: String,
    /// The user to log in as; empty if none.
    pub username: String,
    /// Whether the line has a password. The password itself is left in the file.
    pub has_password: bool,
}

impl Row for LegacyRepo {
    fn id(&self) -> u32 {
        self.id
    }
}

impl LegacyRepo {
    /// Reads a line.
    pub(super) fn read(line: &str) -> Result<Self, LineProblem> {
        let [id, default, name, server, username, password] = fields(line)?;
        let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Ok(Self {
            id: number("number", id)?,
            is_default: mark("default mark", default)?,
            name: field("name", filled(name))?,
            server: field("server", filled(server))?,
            username: username.to_owned(),
            has_password: !password.is_empty(),
        })
    }

    /// Returns what stands before the name of an image from here; nothing for Docker Hub.
    pub(super) fn prefix(&self) -> Option<String> {
        (self.id != OFFICIAL).then(|| self.server.clone())
    }
}
