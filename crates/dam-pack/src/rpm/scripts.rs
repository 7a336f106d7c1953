//! Scripts and triggers, as tags.

use crate::rpm::header::Header;
use crate::rpm::tag::{self, sense};
use crate::{RpmScript, Scripts};

/// What runs every script: the only interpreter that is surely there.
const SHELL: &str = "/bin/sh";

/// Writes all scripts.
pub(super) fn describe(header: &mut Header, scripts: &Scripts) {
    for (place, script) in &scripts.rpm {
        let (body, program) = tags(*place);
        header.text(body, script);
        header.text(program, SHELL);
    }
    let triggers = &scripts.rpm_triggers;
    header.texts(tag::TRIGGER_NAMES, triggers.keys());
    header.texts(tag::TRIGGER_VERSIONS, triggers.keys().map(|_| ""));
    header.numbers(tag::TRIGGER_FLAGS, triggers.keys().map(|_| sense::TRIGGER_IN));
    header.numbers(tag::TRIGGER_INDEXES, 0..triggers.len() as u32);
    header.texts(tag::TRIGGER_SCRIPTS, triggers.values());
    header.texts(tag::TRIGGER_PROGRAMS, triggers.keys().map(|_| SHELL));
}

/// Returns the tags of a script and of what runs it.
pub(super) fn tags(place: RpmScript) -> (u32, u32) {
    match place {
        RpmScript::Pre => (tag::PRE, tag::PRE_PROGRAM),
        RpmScript::Post => (tag::POST, tag::POST_PROGRAM),
        RpmScript::Preun => (tag::PREUN, tag::PREUN_PROGRAM),
        RpmScript::Postun => (tag::POSTUN, tag::POSTUN_PROGRAM),
        RpmScript::Posttrans => (tag::POSTTRANS, tag::POSTTRANS_PROGRAM),
    }
}
