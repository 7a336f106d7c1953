//! Which stages have to be built.

use std::collections::BTreeSet;

use crate::dockerfile::{Action, Stage, Transfer};
use crate::{Dockerfile, Error, Result};

/// Returns the numbers of the stages that the image is made of, and refuses what needs an engine.
pub(super) fn needed(file: &Dockerfile) -> Result<BTreeSet<usize>> {
    let mut needed = BTreeSet::new();
    let mut left = vec![file.stages.len() - 1];
    while let Some(at) = left.pop() {
        if needed.insert(at) {
            check(&file.stages[at])?;
            left.extend(sources(file, at));
        }
    }
    Ok(needed)
}

/// Returns the earlier stages that a stage starts from or copies from.
fn sources(file: &Dockerfile, at: usize) -> Vec<usize> {
    let stage = &file.stages[at];
    let names = stage.instructions.iter().filter_map(|instruction| match &instruction.action {
        Action::Copy(transfer) => from(transfer),
        _ => None,
    });
    let mut sources = Vec::new();
    for name in names.chain([stage.base.as_str()]) {
        // What a variable will stand for is not known yet: any earlier stage.
        if name.contains('$') {
            return (0..at).collect();
        }
        sources.extend(file.stage_named(name, at));
    }
    sources
}

/// Returns the value of `--from`.
pub(super) fn from(transfer: &Transfer) -> Option<&str> {
    transfer.flags.iter().find(|(name, _)| name == "from").and_then(|(_, value)| value.as_deref())
}

fn check(stage: &Stage) -> Result<()> {
    for instruction in &stage.instructions {
        let line = instruction.line;
        match instruction.action {
            Action::Run => return Err(Error::NeedsEngine { line, instruction: "RUN" }),
            Action::Onbuild => return Err(Error::NeedsEngine { line, instruction: "ONBUILD" }),
            _ => {}
        }
    }
    Ok(())
}
