//! A repository that was made.

use dam_core::ops::engine::repo::{KeyCopy, RepoMade, Source};
use dam_pack::repo::Place;

use crate::invocation::quote;
use crate::show::{Show, Words, foreign};
use crate::table;
use crate::ui::style::{BOLD, GOOD};

impl Show for RepoMade {
    fn words(&self, words: &mut Words) {
        let folder = foreign(&self.folder.display().to_string());
        let count = match self.repository.packages.len() {
            1 => "1 package".to_owned(),
            count => format!("{count} packages"),
        };
        let signed = match &self.repository.signed_by {
            Some(fingerprint) => format!("signed by {fingerprint}"),
            None => "unsigned".to_owned(),
        };
        words.line(format_args!("{GOOD}Made{GOOD:#} {folder} a repository of {count}, {signed}"));
        let titles = ["PACKAGE", "VERSION", "FOR", "FILE"].map(str::to_owned);
        let rows = self.repository.packages.iter().map(|package| {
            let texts = [&package.name, &package.version, &package.architecture].map(|text| foreign(text));
            let [name, version, architecture] = texts;
            [name, version, architecture, foreign(&package.path)]
        });
        words.block(&table::columns(std::iter::once(titles).chain(rows), &[]));
        if let Some(source) = &self.apt {
            tell(&format!("{BOLD}apt{BOLD:#}"), source, &self.place, words);
        }
        if let Some(source) = &self.yum {
            tell(&format!("{BOLD}yum{BOLD:#} or {BOLD}dnf{BOLD:#}"), source, &self.place, words);
            words.line("zypper takes the same in /etc/zypp/repos.d");
        }
    }
}

/// Says what to do on a machine that has these tools.
fn tell(tools: &str, source: &Source, place: &Place, words: &mut Words) {
    let Source { file, text, key } = source;
    match key {
        Some(KeyCopy { from, to }) => {
            let from = quote(&foreign(from));
            words.line(format_args!("\nwith {tools}, the key comes first:"));
            words.line(match place {
                Place::Folder(_) => format!("  sudo install -D -m 644 {from} {to}"),
                Place::Web(_) => format!("  sudo curl -fsS --create-dirs -o {to} {from}"),
            });
            words.line(format_args!("then {file}:"));
        }
        None => words.line(format_args!("\nwith {tools}, put into {file}:")),
    }
    text.lines().for_each(|line| words.line(format_args!("  {}", foreign(line))));
}
