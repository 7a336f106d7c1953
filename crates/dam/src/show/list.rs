//! `dam list`.

use dam_core::ledger::Listed;
use serde::Serialize;

use super::{Show, Words};
use crate::table;

/// What is installed.
#[derive(Debug, Serialize)]
pub(crate) struct List {
    /// The apps, by name and then oldest version first.
    pub(crate) apps: Vec<Listed>,
    /// Whether the words show family and multiversion, too.
    #[serde(skip)]
    pub(crate) labels: bool,
}

impl List {
    /// Returns the rows of DAM 1.x, `id;image;name;version;repo;multiversion;family`. Number and repo are places only:
    /// the ledger numbers no apps, so the rows are counted, and the repo is given by name.
    pub(crate) fn raw(&self) -> String {
        let rows = self.apps.iter().enumerate().map(|(number, app)| {
            let multiversion = if app.multiversion { "*" } else { "" };
            let (name, version) = (&app.id.name, &app.id.version);
            format!("{number};{};{name};{version};{};{multiversion};{}\n", app.image.0.short(), app.source, app.family)
        });
        rows.collect()
    }
}

impl Show for List {
    fn words(&self, words: &mut Words) {
        if self.apps.is_empty() {
            return words.line("no app is installed");
        }
        let titles = ["NAME", "VERSION", "REPO", "INSTALLED", "STATE"].into_iter();
        let titles = titles.chain(["FAMILY", "MULTIVERSION"].into_iter().filter(|_| self.labels)).map(str::to_owned);
        let rows = self.apps.iter().map(|app| {
            let installed = words.ago(app.installed_at);
            let mut row = vec![
                app.id.name.to_string(),
                app.id.version.to_string(),
                super::foreign(&app.source.to_string()),
                installed,
                app.state.as_str().to_owned(),
            ];
            if self.labels {
                row.push(app.family.to_string());
                row.push(if app.multiversion { "yes" } else { "no" }.to_owned());
            }
            row
        });
        let table = table::columns(std::iter::once(titles.collect()).chain(rows), &[]);
        words.block(&table);
    }
}
