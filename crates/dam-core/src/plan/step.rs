//! Steps, and the plan they make up.

use dam_oci::Reference;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::app::{App, HookName, Release};
use crate::ledger::{OperationKind, Source};
use crate::store::ImageId;

/// Which of a plan's two releases a step is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// What is installed now.
    Old,
    /// What will be.
    New,
}

/// One effect on the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "lowercase")]
pub enum Step {
    /// Loads the new image into the store.
    Load {
        /// Bytes of its unpacked layers, as far as known.
        bytes: u64,
        /// Whether the image gets the app's own tag at once; if not, a later step gives it.
        #[serde(default = "yes", skip_serializing_if = "is_yes")]
        tagged: bool,
        /// Whether the app's `/meta` is known by the promise of its bundle only: then it is read out of the store, and kept,
        /// once the image is there.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        promised: bool,
    },
    /// Gives the new image a tag.
    Tag {
        /// The tag.
        reference: Reference,
        /// Whether the tag moves away from another image that has it; if not, the other image keeps it.
        take: bool,
    },
    /// Runs a hook.
    Run {
        /// Whose hook.
        side: Side,
        /// The hook. `health` is repeated until it succeeds or its limit passes.
        hook: HookName,
    },
    /// Takes the old image's tags away, and the image if nothing needs it. Comes after the change is recorded, is not
    /// undone, and its failure is a warning.
    Drop,
}

/// Plans that were recorded before steps said so always tagged.
fn yes() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde hands it over so
fn is_yes(tagged: &bool) -> bool {
    *tagged
}

impl Step {
    /// Tells whether the step is a load: it touches nothing that runs, and what it brought can be used by a later try.
    pub fn is_load(&self) -> bool {
        matches!(self, Self::Load { .. })
    }

    /// Tells whether the step comes after the change is recorded.
    pub fn is_cleanup(&self) -> bool {
        matches!(self, Self::Drop)
    }
}

/// A change of one app, not yet done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The kind of change.
    pub kind: OperationKind,
    /// What is installed now and goes.
    pub old: Option<Release>,
    /// What will be installed.
    pub new: Option<Release>,
    /// Where the new release comes from.
    pub source: Source,
    /// The kind of the store it is carried out with, from its beginning on; not known in a plan that dam recorded before
    /// it noted this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// The effects, in order.
    pub steps: Vec<Step>,
}

impl Plan {
    /// Returns the release of one side. A step is only planned for a side that is there.
    pub fn release(&self, side: Side) -> &Release {
        let release = match side {
            Side::Old => &self.old,
            Side::New => &self.new,
        };
        release.as_ref().expect("rules plan no step for a release that is not there")
    }

    /// Leaves out the new app's `hook`.
    pub fn skip(&mut self, hook: HookName) {
        self.steps.retain(|step| *step != Step::Run { side: Side::New, hook });
    }

    /// Leaves out the tags that need no step: `holder` tells which image has a tag now.
    pub(crate) fn leave_out_tags(&mut self, holder: impl Fn(&Reference) -> Result<Option<ImageId>>) -> Result<()> {
        let Some(new) = self.new.as_ref().map(|new| new.image) else { return Ok(()) };
        let mut steps = Vec::with_capacity(self.steps.len());
        for step in self.steps.drain(..) {
            let needed = match &step {
                Step::Tag { reference, take } => match holder(reference)? {
                    Some(image) => *take && image != new,
                    None => true,
                },
                Step::Load { .. } | Step::Run { .. } | Step::Drop => true,
            };
            if needed {
                steps.push(step);
            }
        }
        self.steps = steps;
        Ok(())
    }

    /// Returns the app the plan is about: the new one, else the old one.
    pub fn app(&self) -> &App {
        let release = self.new.as_ref().or(self.old.as_ref());
        &release.expect("a plan has a release").app
    }

    /// Says the change in words, such as `upgrade of shop 1.0 to 2.0`.
    pub fn title(&self) -> String {
        title(self.kind, self.old.as_ref().map(|old| &old.app.id), self.new.as_ref().map(|new| &new.app.id))
    }
}

/// Says a change in words, such as `upgrade of shop 1.0 to 2.0`.
pub fn title(kind: OperationKind, old: Option<&crate::app::AppId>, new: Option<&crate::app::AppId>) -> String {
    match (old, new) {
        (Some(old), Some(new)) => format!("{kind} of {} {} to {}", new.name, old.version, new.version),
        (Some(app), None) | (None, Some(app)) => format!("{kind} of {} {}", app.name, app.version),
        (None, None) => kind.to_string(),
    }
}
