//! Repos, and what became of them.

use dam_core::ops::addrepo::RepoAdded;
use dam_core::ops::modifyrepo::RepoModified;
use dam_core::ops::removerepo::RepoRemoved;
use dam_core::repo::{Repo, RepoName};
use serde::Serialize;
use serde_json::Value;

use super::{Show, Words, foreign};
use crate::error::{CliError, Hint};
use crate::invocation::Invocation;
use crate::table;
use crate::ui::style::{ERROR, GOOD};

/// The repos, and what they answered if they were asked.
#[derive(Debug, Serialize)]
pub(crate) struct RepoList {
    repos: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    repo: Repo,
    #[serde(skip_serializing_if = "Option::is_none")]
    check: Option<RepoCheck>,
}

/// What a registry answered.
#[derive(Debug, Clone, Serialize)]
#[serde(into = "Value")]
pub(crate) struct RepoCheck(Option<CliError>);

impl RepoCheck {
    /// Takes an answer, with the advice for this repo.
    pub(crate) fn new(repo: &Repo, answer: dam_core::Result<()>) -> Self {
        let fault = answer.err().map(|error| CliError::from(error).of_repos(std::slice::from_ref(repo)));
        // The hint to look at all registries, which is what this is, says nothing new.
        Self(fault.map(|mut fault| {
            fault.hints.retain(|hint| !matches!(hint, Hint::Command(command, _) if command == "dam listrepos --check"));
            fault
        }))
    }
}

impl From<RepoCheck> for Value {
    fn from(check: RepoCheck) -> Self {
        match check.0 {
            None => serde_json::json!({ "ok": true }),
            Some(error) => {
                let mut fault = error.json(&Invocation::default());
                serde_json::json!({ "ok": false, "error": fault["error"].take() })
            }
        }
    }
}

impl RepoList {
    /// Joins repos with their checks, if they were made.
    pub(crate) fn new(repos: &[&Repo], checks: Vec<RepoCheck>) -> Self {
        let checks = checks.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
        Self { repos: repos.iter().zip(checks).map(|(repo, check)| Row { repo: (*repo).clone(), check }).collect() }
    }

    /// Tells whether every registry that was asked answered well.
    pub(crate) fn is_good(&self) -> bool {
        self.repos.iter().all(|row| row.fault().is_none())
    }

    /// Returns the rows of DAM 1.x, `id;def;name;server;username`.
    pub(crate) fn raw(&self) -> String {
        let rows = self.repos.iter().map(|Row { repo, .. }| {
            let default = if repo.is_default { "*" } else { "" };
            let username = repo.username.as_deref().unwrap_or_default();
            format!("{};{default};{};{};{}\n", repo.id, repo.name, repo.server, foreign(username))
        });
        rows.collect()
    }
}

impl Row {
    fn fault(&self) -> Option<&CliError> {
        self.check.as_ref()?.0.as_ref()
    }
}

impl Show for RepoList {
    fn words(&self, words: &mut Words) {
        let checked = self.repos.iter().any(|row| row.check.is_some());
        let titles = ["ID", "DEF", "NAME", "SERVER", "USER"].into_iter().chain(checked.then_some("ANSWER"));
        let titles = titles.chain(["NOTES"]).map(str::to_owned).collect();
        let rows = self.repos.iter().map(|row| {
            let repo = &row.repo;
            let cells = [
                repo.id.to_string(),
                if repo.is_default { "*" } else { "" }.to_owned(),
                repo.name.to_string(),
                repo.server.to_string(),
                foreign(repo.username.as_deref().unwrap_or_default()),
            ];
            let answer = row.check.as_ref().map(|check| if check.0.is_none() { "ok" } else { "fails" }.to_owned());
            cells.into_iter().chain(answer).chain([notes(repo)]).collect::<Vec<_>>()
        });
        words.block(&table::columns(std::iter::once(titles).chain(rows), &[]));
        for row in &self.repos {
            if let Some(error) = row.fault() {
                words.line(format_args!("\n{ERROR}{}{ERROR:#}", row.repo.name));
                words.block(&error.words(&Invocation::default()));
            }
        }
    }
}

/// Says what a repo has beside its login.
fn notes(repo: &Repo) -> String {
    let mirror = repo.mirror_of.as_ref().map(|origin| format!("mirror of {origin}"));
    let notes = [
        repo.password.as_ref().map(|_| "password".to_owned()),
        repo.ca.as_ref().map(|_| "own authority".to_owned()),
        repo.client.as_ref().map(|_| "client certificate".to_owned()),
        repo.insecure.then(|| "insecure".to_owned()),
        mirror,
    ];
    notes.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

impl Show for RepoAdded {
    fn words(&self, words: &mut Words) {
        let Repo { id, name, server, is_default, .. } = &self.repo;
        let default = if *is_default { ", the default now" } else { "" };
        words.line(format_args!("{GOOD}Added{GOOD:#} repo {id} {name} ({server}){default}"));
    }
}

impl Show for RepoModified {
    fn words(&self, words: &mut Words) {
        let Repo { id, name, server, .. } = &self.repo;
        match self.changed {
            true => words.line(format_args!("{GOOD}Changed{GOOD:#} repo {id} {name} ({server})")),
            false => words.line(format_args!("Repo {id} {name} ({server}) is as it was")),
        }
        new_default(self.new_default.as_ref(), words);
    }
}

impl Show for RepoRemoved {
    fn words(&self, words: &mut Words) {
        let Repo { id, name, server, .. } = &self.repo;
        words.line(format_args!("{GOOD}Removed{GOOD:#} repo {id} {name} ({server})"));
        new_default(self.new_default.as_ref(), words);
    }
}

fn new_default(name: Option<&RepoName>, words: &mut Words) {
    if let Some(name) = name {
        words.line(format_args!("Names without a registry belong to {name} now"));
    }
}
