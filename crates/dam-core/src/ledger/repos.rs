//! Repos, with their passwords and keys: the file is its owner's alone.

use dam_oci::registry::{ClientCertificate, ParseServerError, Secret, Server};
use rusqlite::{Connection, Row, Transaction};
use serde::Serialize;

use super::fault::Problem;
use super::{Ledger, row};
use crate::Result;
use crate::repo::{Repo, RepoFault};

/// A repo of DAM 1.x that could not be taken over: its server is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftRepo {
    /// Its name, as it was.
    pub name: String,
    /// Its server, as it was.
    pub server: String,
}

impl LeftRepo {
    /// Says why, if it still is so.
    pub fn reason(&self) -> Option<ParseServerError> {
        self.server.parse::<Server>().err()
    }
}

impl Ledger {
    /// Returns the repos, by number. Docker Hub is always the first.
    pub fn repos(&self) -> Result<Vec<Repo>> {
        self.read(read)
    }

    /// Returns the repos of DAM 1.x that could not be taken over when the ledger became one of version 3; until the repos are
    /// changed the next time.
    pub fn left_repos(&self) -> Result<Vec<LeftRepo>> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT name, server FROM left_repos ORDER BY name, server")?
                .query_map([], |row| Ok(LeftRepo { name: row.get("name")?, server: row.get("server")? }))?
                .collect()
        })
    }

    /// Puts what `rule` makes of the repos in their place, and returns them; a new one has the number 0 in the answer of the
    /// rule, and its own here. No other change comes between.
    ///
    /// # Errors
    /// What the rule refuses; nothing is changed then.
    pub fn change_repos(&mut self, rule: impl FnOnce(&[Repo]) -> Result<Vec<Repo>, RepoFault>) -> Result<Vec<Repo>> {
        let changed = self.change("repos", |transaction| {
            let before = read(transaction)?;
            match rule(&before) {
                Ok(after) => write(transaction, &before, &after).map(Ok),
                Err(fault) => Ok(Err(fault)),
            }
        })?;
        Ok(changed?)
    }
}

fn read(connection: &Connection) -> rusqlite::Result<Vec<Repo>> {
    connection
        .prepare_cached(
            "SELECT id, name, server, is_default, username, password, ca, client_cert, client_key, insecure, mirror_of
             FROM repos ORDER BY id",
        )?
        .query_map([], repo)?
        .collect()
}

fn repo(row: &Row) -> rusqlite::Result<Repo> {
    let chain: Option<String> = row.get("client_cert")?;
    let key = secret(row, "client_key")?;
    Ok(Repo {
        id: row::count(row, "id")?,
        name: row::word(row, "name")?,
        server: row::word(row, "server")?,
        is_default: row.get("is_default")?,
        username: row.get("username")?,
        password: secret(row, "password")?,
        ca: row.get("ca")?,
        client: chain.zip(key).map(|(chain, key)| ClientCertificate { chain, key }),
        insecure: row.get("insecure")?,
        mirror_of: row::optional_word(row, "mirror_of")?,
    })
}

fn secret(row: &Row, column: &str) -> rusqlite::Result<Option<Secret>> {
    let text: Option<String> = row.get(column)?;
    Ok(text.map(Secret::new))
}

fn write(transaction: &Transaction, before: &[Repo], after: &[Repo]) -> Result<Vec<Repo>, Problem> {
    for repo in before.iter().filter(|repo| !after.iter().any(|kept| kept.id == repo.id)) {
        transaction.execute("DELETE FROM repos WHERE id = ?1", [repo.id])?;
    }
    // They were told about until somebody saw to the repos.
    transaction.execute("DELETE FROM left_repos", [])?;
    // There may be no two at any moment.
    transaction.execute("UPDATE repos SET is_default = 0", [])?;
    for repo in after {
        put(transaction, repo)?;
    }
    Ok(read(transaction)?)
}

fn put(transaction: &Transaction, repo: &Repo) -> rusqlite::Result<usize> {
    transaction
        .prepare_cached(
            "INSERT INTO repos
             (id, name, server, is_default, username, password, ca, client_cert, client_key, insecure, mirror_of)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (id) DO UPDATE SET name = ?2, server = ?3, is_default = ?4, username = ?5, password = ?6, ca = ?7,
             client_cert = ?8, client_key = ?9, insecure = ?10, mirror_of = ?11",
        )?
        .execute(rusqlite::params![
            Some(repo.id).filter(|id| *id != 0),
            repo.name.as_str(),
            repo.server.to_string(),
            repo.is_default,
            repo.username,
            repo.password.as_ref().map(Secret::reveal),
            repo.ca,
            repo.client.as_ref().map(|client| &client.chain),
            repo.client.as_ref().map(|client| client.key.reveal()),
            repo.insecure,
            repo.mirror_of.as_ref().map(ToString::to_string),
        ])
}
