//! The search of Docker Hub: the index API, version 1, that `docker search` speaks.

use serde::Deserialize;

use super::ask::{Ask, Client, Told};
use super::auth::encode;
use super::{RegistryFault, verdict};
use crate::{JSON_LIMIT, Reference};

/// Results that one page has at the most.
const PAGE: usize = 100;

/// A repository that a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Its name, without `library/`.
    pub name: String,
    /// What its owner says of it, on one line; may be empty.
    pub description: String,
    /// How many users like it.
    pub stars: u64,
    /// Whether Docker itself looks after it.
    pub official: bool,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    num_pages: usize,
    results: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    star_count: u64,
    #[serde(default)]
    is_official: bool,
}

impl Client {
    pub(super) fn search(&self, term: &str, limit: usize) -> Told<Vec<Hit>> {
        let root = self.search_root()?;
        let mut hits = Vec::new();
        let count = limit.min(PAGE);
        for page in 1.. {
            let url = format!("{root}/v1/search?q={}&n={count}&page={page}", encode(term));
            let url = url.parse().map_err(|_| RegistryFault::Nonsense("the search has no address".to_owned()))?;
            // The search takes no tokens: an empty scope gets none, unless it is asked for.
            let answer = self.ask(&Ask::get(url, "").with("accept", "application/json"))?;
            let Page { num_pages, results } = parse(&self.read_all(answer.head, JSON_LIMIT)?)?;
            let last = results.is_empty() || page >= num_pages;
            hits.extend(results.into_iter().filter_map(hit));
            if last || hits.len() >= limit {
                break;
            }
        }
        hits.truncate(limit);
        Ok(hits)
    }
}

/// Takes a result whose name can be an image's; other names are of no use, and may be of harm to a terminal.
fn hit(entry: Entry) -> Option<Hit> {
    let reference: Reference = format!("docker.io/{}", entry.name).parse().ok()?;
    let description = verdict::shorten(&entry.description.unwrap_or_default());
    let name = reference.repository().to_owned();
    Some(Hit { name, description, stars: entry.star_count, official: entry.is_official })
}

fn parse(bytes: &[u8]) -> Told<Page> {
    let nonsense = |error: serde_json::Error| {
        RegistryFault::Nonsense(format!("no results in JSON: {}", verdict::shorten(&error.to_string())))
    };
    serde_json::from_slice(bytes).map_err(nonsense)
}
