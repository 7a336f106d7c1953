//! Advice on changes that are refused or failed.

use dam_core::app::AppId;
use dam_core::plan::{Aftermath, Failed, Failure, Paused, RuleFault};

use super::{Advice, hook};
use crate::error::Hint;

/// Advises on a change that the rules refuse.
pub(super) fn rule(fault: &RuleFault) -> Advice {
    let command = |text: String, note| [Hint::Command(text, note)];
    match fault {
        RuleFault::AlreadyInstalled(app) => {
            Advice::with("already-installed", command(format!("dam info {app}"), "says what is known of it"))
        }
        RuleFault::OtherImage(app) => {
            Advice::with("other-image", command(format!("dam upgrade {app}"), "puts the other image in its place"))
        }
        RuleFault::OtherVersion { wanted, .. } => {
            Advice::with("other-version", command(format!("dam upgrade {wanted}"), "puts it in the place of the other"))
        }
        RuleFault::FamilyTaken { installed, .. } => {
            Advice::with("family-taken", command(format!("dam remove {installed}"), "makes room"))
        }
        RuleFault::NothingToUpgrade(_) => Advice::with("not-installed", command("dam list".into(), "shows what is")),
        RuleFault::Downgrade { .. } => {
            Advice::with("downgrade", [Hint::Again { before: "", after: "--allow-downgrade", note: "" }])
        }
        RuleFault::NotInstalled(_) => Advice::with("not-installed", command("dam list".into(), "shows what is")),
        RuleFault::Ambiguous { versions, .. } => {
            let versions: Vec<String> = versions.iter().map(ToString::to_string).collect();
            Advice::with("ambiguous", [Hint::Advice(format!("name one of them: {}", versions.join(" or ")))])
        }
        RuleFault::SeveralToUpgrade { .. } => {
            let note = "says which of them goes";
            Advice::with("ambiguous", [Hint::Again { before: "", after: "--replace VERSION", note }])
        }
        RuleFault::Beside { staying: _, leaving } => {
            Advice::with("already-installed", command(format!("dam remove {leaving}"), "leaves the other"))
        }
        RuleFault::Exclude { .. } | RuleFault::Versions { .. } | RuleFault::Twice(_) => {
            Advice::with("bad-product", [Hint::Advice("leave one of them out of the product".into())])
        }
        RuleFault::NoPrevious(app) => {
            Advice::with("no-previous", command(format!("dam history {}", app.name), "shows what was done"))
        }
    }
}

/// Advises on a product that the rules refuse.
pub(super) fn rules(faults: &[RuleFault]) -> Advice {
    match faults {
        [only] => rule(only),
        _ => Advice::new("bad-product"),
    }
}

/// Advises on a change that was begun and failed.
pub(super) fn failed(failed: &Failed) -> Advice {
    let mut advice = match &failed.failure {
        Failure::Other(error) => super::advise(error),
        Failure::Unhealthy { app, last, .. } => {
            let advice = hook::see_log(Advice::new("unhealthy"), app, &last.text);
            Advice { causes: vec![format!("the last `health` {}", last.ended)], ..advice }
        }
    };
    advice.aftermath = Some(aftermath(&failed.aftermath));
    let is_broken = match &failed.aftermath {
        Aftermath::Broken { .. } => true,
        Aftermath::Stopped { faults, .. } => !faults.is_empty(),
        Aftermath::Untouched | Aftermath::AsBefore { .. } | Aftermath::Unrecorded | Aftermath::Unfinished { .. } => {
            false
        }
    };
    if is_broken {
        advice.kind = "broken";
        advice.hints.push(Hint::Command("dam verify".into(), "says what is not as it should be"));
    }
    if let Aftermath::Unfinished { .. } = &failed.aftermath {
        advice.hints.push(Hint::Command("dam verify".into(), "goes on with the undo"));
    }
    advice
}

/// Advises on an import that was cut off while images arrived.
pub(super) fn paused(paused: &Paused) -> Advice {
    let mut advice = match &paused.failure {
        Failure::Other(error) => super::advise(error),
        Failure::Unhealthy { .. } => Advice::new("paused"),
    };
    advice.kind = "paused";
    advice.aftermath = Some("nothing that runs was touched, and what has arrived is kept".to_owned());
    advice.hints.push(Hint::Again { before: "", after: "", note: "goes on where it was" });
    advice.hints.push(Hint::Command("dam purge".into(), "gives the space back instead"));
    advice
}

fn aftermath(aftermath: &Aftermath) -> String {
    let runs = |apps: &[AppId]| match apps {
        [] => String::new(),
        [app] => format!(": {} {} runs again", app.name, app.version),
        [app, others @ ..] => {
            let apps = if others.len() == 1 { "app was" } else { "apps were" };
            format!(": {} {} runs again, {} other {apps} put back", app.name, app.version, others.len())
        }
    };
    match aftermath {
        Aftermath::Untouched => "nothing was changed".to_owned(),
        Aftermath::AsBefore { running } => format!("everything is as before{}", runs(running)),
        Aftermath::Stopped { changed, running, faults } => {
            let changed: Vec<String> = changed.iter().map(ToString::to_string).collect();
            let rest = match faults.is_empty() {
                true => format!("the rest is as before{}", runs(running)),
                false => format!("not everything else could be undone: {}", faults.join("; ")),
            };
            format!("changed, as was asked: {}; {rest}", changed.join(", "))
        }
        Aftermath::Unrecorded => "everything was done; the next change of this machine records it".to_owned(),
        Aftermath::Unfinished { cause } => {
            format!("the undo stopped, and the next change of this machine goes on with it: {cause}")
        }
        Aftermath::Broken { faults } => format!("not everything could be undone: {}", faults.join("; ")),
    }
}
