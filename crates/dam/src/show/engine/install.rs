//! An engine that is to be installed, and one that was.

use dam_core::ops::engine::install::{Change, Installed, Note, Plan, Smoke, Trial};

use super::targets::named;
use crate::bytes::Bytes;
use crate::show::{Show, Words, foreign};
use crate::ui::style::{BOLD, DIM, GOOD, WARNING};

impl Show for Plan {
    fn words(&self, words: &mut Words) {
        let (name, version) = (foreign(&self.package.name), foreign(&self.package.version));
        let what = match &self.change {
            Change::New => format!("{BOLD}install{BOLD:#}    {name}  {version}"),
            Change::Upgrade { from } => format!("{BOLD}upgrade{BOLD:#}    {name}  {} → {version}", foreign(from)),
            Change::Again => format!("{BOLD}reinstall{BOLD:#}  {name}  {version}"),
            Change::Downgrade { from } => format!("{BOLD}downgrade{BOLD:#}  {name}  {} → {version}", foreign(from)),
        };
        words.line(format_args!("  {what}  on {}", foreign(&self.os)));
        let step = |words: &mut Words, text: String| words.line(format_args!("  {DIM}{:<10}{DIM:#} {text}", ""));
        if let Some(nearest) = self.target.filter(|nearest| !nearest.is_exact) {
            step(words, format!("it was checked for {}, which comes nearest", named(&[nearest.target])));
        }
        step(words, format!("unpack {} by {}", Bytes(self.size), foreign(&self.command())));
        if self.tries {
            step(words, "wait for the engine, and run a container of an image that dam brings".to_owned());
        }
        for note in &self.notes {
            words.line(format_args!("  {WARNING}!{WARNING:#} {}", note_words(note)));
        }
    }
}

fn note_words(note: &Note) -> String {
    match note {
        Note::Recommended { packages } => {
            let packages: Vec<String> = packages.iter().map(|package| foreign(package)).collect();
            format!("recommended, and not installed: {}", packages.join(", "))
        }
        Note::Warning { text } => foreign(text),
        Note::NothingStarts => "systemd does not run here: nothing is started, and nothing is tried".to_owned(),
        Note::Instead { of, reason } => format!("{of} would refuse: {}", foreign(reason)),
    }
}

impl Show for Installed {
    fn words(&self, words: &mut Words) {
        let did = match &self.change {
            Change::New => "Installed".to_owned(),
            Change::Upgrade { .. } => "Upgraded to".to_owned(),
            Change::Again => "Reinstalled".to_owned(),
            Change::Downgrade { .. } => "Downgraded to".to_owned(),
        };
        let (name, version) = (foreign(&self.package.name), foreign(&self.package.version));
        words.line(format_args!("{GOOD}{did}{GOOD:#} {name} {version} by {}", self.tool));
        match &self.trial {
            Trial::Ran(smoke) => ran(smoke, words),
            Trial::NoSystemd => words.line("Nothing was started: systemd does not run here"),
            Trial::NotActive { unit } => {
                words.line(format_args!("Nothing was started: {unit} is not to be started by itself"));
                words.line(format_args!("    {BOLD}systemctl start {unit}{BOLD:#}"));
            }
            Trial::NoService => words.line("Nothing was tried: the package has no docker.service"),
        }
    }
}

fn ran(smoke: &Smoke, words: &mut Words) {
    let engine = &smoke.engine;
    let groups = match engine.cgroup_version.as_str() {
        "" => String::new(),
        version => format!(", cgroup v{} by {}", foreign(version), foreign(&engine.cgroup_driver)),
    };
    words.line(format_args!(
        "{GOOD}✓{GOOD:#} Docker Engine {} with {}{groups}",
        foreign(&engine.version),
        foreign(&engine.storage_driver)
    ));
    words.line(format_args!("{GOOD}✓{GOOD:#} {}", foreign(&smoke.said)));
}
