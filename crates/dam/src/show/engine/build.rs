//! Packages that were made.

use dam_core::engine::Validation;
use dam_core::ops::engine::build::Built;

use super::check::tell;
use crate::bytes::Bytes;
use crate::show::{Show, Words, foreign};
use crate::table;
use crate::ui::style::GOOD;

impl Show for Built {
    fn words(&self, words: &mut Words) {
        for package in &self.packages {
            package.check.findings.iter().for_each(|finding| tell(finding, &package.check.targets, words));
        }
        let rows = self.packages.iter().map(|package| {
            let sum = format!("sha256 {}", package.sha256.hex());
            let signed = if package.signed { "signed" } else { "" };
            let path = foreign(&package.path.display().to_string());
            vec![format!("{GOOD}Built{GOOD:#} {path}"), Bytes(package.bytes).to_string(), sum, signed.to_owned()]
        });
        words.block(&table::columns(rows, &[1]));
        let unpacked = self.packages.iter().map(|package| package.unpacked).max().unwrap_or_default();
        let targets: usize = self.packages.iter().map(|package| package.check.targets.len()).sum();
        let settings = match self.settings {
            Validation::Accepted => "it accepts daemon.json",
            Validation::TooOld => "it is too old to be asked about daemon.json",
            Validation::RunsElsewhere => "it does not run here to be asked about daemon.json",
        };
        words.line(format_args!(
            "Docker Engine {}, {} unpacked, good for {targets} targets; {settings}",
            foreign(&self.engine),
            Bytes(unpacked),
        ));
    }
}
