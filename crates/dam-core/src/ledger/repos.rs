//! Registries as DAM 1.x had them. Passwords are not kept here.

use serde::Serialize;

use super::{Ledger, row};
use crate::Result;

/// A registry as the user configured it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Repo {
    /// Its number; 1 is Docker Hub.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Its host, or its URL.
    pub server: String,
    /// Whether it is the one that names without a registry belong to.
    pub is_default: bool,
    /// The user to log in as; empty if none.
    pub username: String,
}

impl Ledger {
    /// Returns the registries, by number.
    pub fn repos(&self) -> Result<Vec<Repo>> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT id, name, server, is_default, username FROM repos ORDER BY id")?
                .query_map([], |row| {
                    Ok(Repo {
                        id: row::count(row, "id")?,
                        name: row.get("name")?,
                        server: row.get("server")?,
                        is_default: row.get("is_default")?,
                        username: row.get("username")?,
                    })
                })?
                .collect()
        })
    }

    /// Adds registries; one whose number is taken stays as it is. Returns how many are new.
    pub fn add_repos(&mut self, repos: &[Repo]) -> Result<usize> {
        self.change("repos", |transaction| {
            let mut statement = transaction.prepare_cached(
                "INSERT INTO repos (id, name, server, is_default, username) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (id) DO NOTHING",
            )?;
            let mut added = 0;
            for repo in repos {
                added += statement.execute((repo.id, &repo.name, &repo.server, repo.is_default, &repo.username))?;
            }
            Ok(added)
        })
    }
}
