//! What `dam verify` found.

use dam_core::ops::verify::{Fault, Verified};

use super::{Show, Words, foreign};
use crate::hints::store_flag;
use crate::ui::style::{DIM, ERROR, GOOD};

impl Show for Verified {
    fn words(&self, words: &mut Words) {
        for app in &self.apps {
            if app.faults.is_empty() {
                words.line(format_args!("{GOOD}✓{GOOD:#} {}", app.app));
            } else {
                words.line(format_args!("{ERROR}✗{ERROR:#} {}", app.app));
            }
            for fault in &app.faults {
                let (what, mend) = fault_words(fault, &app.app.to_string());
                words.line(format_args!("    {what}"));
                words.line(format_args!("    {DIM}{mend}{DIM:#}"));
            }
        }
        match (self.apps.len(), self.faults()) {
            (0, _) => words.line("Nothing is installed"),
            (1, 0) => words.line("1 app, as it was installed"),
            (apps, 0) => words.line(format_args!("{apps} apps, all as they were installed")),
            (_, 1) => words.line("1 fault"),
            (_, faults) => words.line(format_args!("{faults} faults")),
        }
    }
}

/// Says a fault, and what mends it.
fn fault_words(fault: &Fault, app: &str) -> (String, String) {
    match fault {
        Fault::ImageGone { image } => (
            format!("its image {} is gone from the store", image.0.short()),
            format!("dam remove {app}      works all the same; then install it again from its file"),
        ),
        Fault::OtherStore { was, now } => (
            format!("its image is in the store `{was}`, and the store chosen now is `{now}`"),
            match store_flag(was, now) {
                Some(flag) => format!("dam verify {flag}      looks at it there"),
                None => format!("set DOCKER_HOST to the socket of {was}, then look again"),
            },
        ),
        Fault::TagMoved { reference, now: None } => {
            (format!("the store has no image named {reference}"), format!("docker tag IMAGE {reference}"))
        }
        Fault::TagMoved { reference, now: Some(now) } => (
            format!("{reference} names another image now, {}", now.0.short()),
            format!("dam upgrade {reference}      takes the new one; dam remove {app} removes the old one"),
        ),
        Fault::ImageDamaged { image, reason } => (
            format!("its image {} is damaged in the store: {}", image.0.short(), foreign(reason)),
            format!("dam remove {app}      then install it again from its file"),
        ),
        Fault::OtherContent { image } => (
            format!("the image {} has other layers than were installed", image.0.short()),
            format!("dam remove {app}      then install it again from its file"),
        ),
        Fault::HooksDamaged { reason } => (
            format!("its kept hooks are damaged: {}", foreign(reason)),
            format!("dam upgrade FILE      with the file of {app} brings them back"),
        ),
        Fault::Broken => (
            "its last change failed and could not be undone".to_owned(),
            format!("dam history {app} --log      shows what the hooks printed"),
        ),
        Fault::PreviousGone { app: previous } => (
            format!("the image of {previous} is gone, so a rollback will not work"),
            format!("docker load or dam install brings {previous} back"),
        ),
    }
}
