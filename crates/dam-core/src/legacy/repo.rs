//! A line of `Repos`: `id;default;name;server;login;base64(password)`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dam_oci::registry::Secret;
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
    /// The password, where the line has one that can be read.
    #[serde(skip)]
    pub password: Option<Secret>,
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
            password: decoded(password),
        })
    }

    /// Returns what stands before the name of an image from here; nothing for Docker Hub.
    pub(super) fn prefix(&self) -> Option<String> {
        (self.id != OFFICIAL).then(|| self.server.clone())
    }
}

/// Reads a password as DAM 1.x wrote it. One that is no text could never be sent, and is none.
fn decoded(field: &str) -> Option<Secret> {
    let text = String::from_utf8(STANDARD.decode(field).ok()?).ok()?;
    Some(text).filter(|text| !text.is_empty()).map(Secret::new)
}
