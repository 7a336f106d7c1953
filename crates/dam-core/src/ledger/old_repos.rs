//! Repos of version 2 of the ledger, as DAM 1.x had them, become those of version 3.
//!
//! DAM 1.x called several repos `auto0`, took names of any characters and servers that are none. Nothing of that may keep a
//! ledger from being opened: names are mended, and a server that is none is set aside with its name.

use dam_oci::registry::Server;
use rusqlite::Transaction;

use crate::repo::{DOCKER_HUB, Names, RepoName};

/// A row of the old table.
struct Row {
    id: i64,
    name: String,
    server: String,
    is_default: bool,
    username: Option<String>,
}

/// Moves the rows of `old_repos` to `repos`, or to `left_repos`, and drops it.
pub(super) fn take_over(transaction: &Transaction) -> rusqlite::Result<()> {
    let mut names = Names::default();
    names.take(&RepoName::official());
    let mut rows = read(transaction)?;
    // Those that get a new number come last, after all that keep theirs.
    rows.sort_by_key(|row| row.id <= i64::from(DOCKER_HUB));
    let mut default = None;
    for row in rows {
        let Ok(server) = row.server.parse::<Server>() else {
            let set_aside = "INSERT OR IGNORE INTO left_repos (name, server) VALUES (?1, ?2)";
            transaction.execute(set_aside, (&row.name, &row.server))?;
            continue;
        };
        if row.id == i64::from(DOCKER_HUB) && server == Server::docker_hub() {
            transaction.execute("UPDATE repos SET username = ?1 WHERE id = 1", [&row.username])?;
            continue;
        }
        let id = Some(row.id).filter(|id| *id > i64::from(DOCKER_HUB));
        let name = names.good(&row.name);
        transaction.execute(
            "INSERT INTO repos (id, name, server, is_default, username, insecure) VALUES (?1, ?2, ?3, 0, ?4, 0)",
            (id, name.as_str(), server.to_string(), &row.username),
        )?;
        if row.is_default && default.is_none() {
            default = Some(transaction.last_insert_rowid());
        }
    }
    if let Some(id) = default {
        transaction.execute("UPDATE repos SET is_default = 0", [])?;
        transaction.execute("UPDATE repos SET is_default = 1 WHERE id = ?1", [id])?;
    }
    transaction.execute_batch("DROP TABLE old_repos")
}

fn read(transaction: &Transaction) -> rusqlite::Result<Vec<Row>> {
    transaction
        .prepare("SELECT id, name, server, is_default, username FROM old_repos ORDER BY id")?
        .query_map([], |row| {
            let username: String = row.get("username")?;
            Ok(Row {
                id: row.get("id")?,
                name: row.get("name")?,
                server: row.get("server")?,
                is_default: row.get("is_default")?,
                username: Some(username).filter(|username| !username.is_empty()),
            })
        })?
        .collect()
}
