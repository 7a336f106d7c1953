//! A line of `Apps`: `id;docker id;name;version;repo id;multiversion;family`.

use serde::Serialize;

use super::line::{LineProblem, field, fields, mark, number};
use super::{LegacyRepo, Row};
use crate::app::{AppId, Family};

/// An app that DAM 1.x installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LegacyApp {
    /// Its number.
    pub id: u32,
    /// The first 12 hex digits of its image's id.
    pub docker_id: String,
    /// Name and version.
    pub app: AppId,
    /// The registry it came from, as a prefix of the image's name; none for Docker Hub and for a registry that is no
    /// longer known.
    pub server: Option<String>,
    /// The family; the name where DAM 1.x wrote none.
    pub family: Family,
    /// What the file says. DAM 1.x always wrote no here, so the image's label is the better witness.
    pub multiversion: bool,
}

impl Row for LegacyApp {
    fn id(&self) -> u32 {
        self.id
    }
}

impl LegacyApp {
    /// Reads a line.
    pub(super) fn read(line: &str, repos: &[LegacyRepo]) -> Result<Self, LineProblem> {
        let [id, docker_id, name, version, repo, multiversion, family] = fields(line)?;
        let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let docker_id = Some(docker_id).filter(|id| id.len() == 12 && id.bytes().all(hex));
        let name = field("name", name.parse().ok())?;
        let family = if family.is_empty() { Some(Family::from(&name)) } else { family.parse().ok() };
        let repo = number("repo number", repo)?;
        Ok(Self {
            id: number("number", id)?,
            docker_id: field("image id", docker_id)?.to_owned(),
            app: AppId { name, version: field("version", version.parse().ok())? },
            server: repos.iter().find(|known| known.id == repo).and_then(LegacyRepo::prefix),
            family: field("family", family)?,
            multiversion: mark("multiversion mark", multiversion)?,
        })
    }
}
