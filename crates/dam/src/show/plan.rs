//! A plan, before the question.

use dam_core::app::HookName;
use dam_core::ledger::{OperationKind, Source};
use dam_core::plan::{Plan, Side, Step};

use super::{Show, Words, foreign};
use crate::bytes::Bytes;
use crate::ui::style::{BOLD, DIM};

impl Show for Plan {
    fn words(&self, words: &mut Words) {
        let name = &self.app().id.name;
        let version = |side: Side| self.release(side).app.id.version.clone();
        let versions = match (&self.old, &self.new) {
            (Some(_), Some(_)) => format!("{} → {}", version(Side::Old), version(Side::New)),
            (Some(_), None) => version(Side::Old).to_string(),
            _ => version(Side::New).to_string(),
        };
        let kind = self.kind.to_string();
        let from = match &self.source {
            Source::File { path } if self.new.is_some() => format!("  from {}", foreign(path)),
            Source::Registry { name } if self.new.is_some() => format!("  from {}", foreign(name)),
            Source::Store if matches!(self.kind, OperationKind::Install | OperationKind::Upgrade) => {
                "  from the store".to_owned()
            }
            _ => String::new(),
        };
        words.line(format_args!("  {BOLD}{kind:<9}{BOLD:#} {name}  {versions}{from}"));
        for step in &self.steps {
            words.line(format_args!("  {DIM}{:<9}{DIM:#} {}", "", self.step(step)));
        }
    }
}

trait StepWords {
    fn step(&self, step: &Step) -> String;
}

impl StepWords for Plan {
    /// Says a step as the second half of "dam will …".
    fn step(&self, step: &Step) -> String {
        match step {
            Step::Load { bytes: 0, .. } => "load the image".to_owned(),
            Step::Load { bytes, .. } => format!("load the image, {}", Bytes(*bytes)),
            Step::Tag { reference, take: true } => format!("tag the image {reference}"),
            Step::Tag { reference, take: false } => format!("tag the image {reference} too, if that is free"),
            Step::Run { side, hook: HookName::Health } => {
                format!("wait until {} is healthy", self.release(*side).app.id)
            }
            Step::Run { side, hook } => format!("run {hook} of {}", self.release(*side).app.id),
            Step::Drop => "remove the image".to_owned(),
        }
    }
}
