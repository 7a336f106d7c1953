//! Advice on engines.

use dam_core::store::docker::{DockerError, Unreachable};

use super::Advice;
use crate::error::Hint;

pub(super) fn advise(error: &DockerError) -> Advice {
    match error {
        DockerError::Endpoint(_) | DockerError::Context(_) => {
            Advice::with("engine-address", [Hint::Command("docker context ls".into(), "lists the contexts")])
        }
        DockerError::Tls(_) => Advice::new("engine-tls"),
        DockerError::Unreachable { cause, .. } => unreachable(*cause),
        DockerError::Answered { .. } => Advice::new("engine-refused"),
        DockerError::BrokeOff { .. } => {
            Advice::with("engine-gone", [Hint::Command("dam doctor".into(), "checks this machine")])
        }
        DockerError::Garbage { .. } | DockerError::Export { .. } => Advice::new("engine-answer"),
        DockerError::TooOld { .. } => Advice::new("engine-too-old"),
        DockerError::OtherImage { .. } => Advice::new("engine-other-image"),
        DockerError::Build { .. } => Advice::new("build-failed"),
        DockerError::BuildSession { .. } => Advice::new("build-session"),
    }
}

fn unreachable(cause: Unreachable) -> Advice {
    let doctor = Hint::Command("dam doctor".into(), "checks the rest of this machine");
    let layout = Hint::Again { before: "", after: "--store layout", note: "works without an engine" };
    let hints = match cause {
        Unreachable::Permission => {
            vec![Hint::Command("sudo usermod -aG docker $USER".into(), "then log in again"), doctor]
        }
        Unreachable::NotFound | Unreachable::Refused => {
            vec![Hint::Command("sudo systemctl start docker".into(), "starts the engine"), layout, doctor]
        }
        Unreachable::TimedOut | Unreachable::Handshake | Unreachable::Ssh | Unreachable::Other => vec![doctor],
    };
    Advice::with("no-engine", hints)
}
