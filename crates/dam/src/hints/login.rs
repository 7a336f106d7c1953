//! Advice on logins that Docker and its kin keep.

use dam_core::repo::LoginFault;

use super::Advice;
use crate::error::Hint;

pub(super) fn advise(fault: &LoginFault) -> Advice {
    let settings =
        || Hint::Advice("mend the file, or keep the login in dam: dam modifyrepo NAME --username USER".into());
    let helper = || {
        let advice = "install it, or take `credsStore` and `credHelpers` out of Docker's config.json";
        Advice::with("login-helper", [Hint::Advice(advice.into())])
    };
    match fault {
        LoginFault::Unreadable { path, .. }
        | LoginFault::TooLong { path, .. }
        | LoginFault::BadLogin { path, .. }
        | LoginFault::BadHelper { path, .. } => Advice::with("login-file", [settings()]).at(path),
        LoginFault::NoHelper { .. } => helper(),
        LoginFault::NotRun { program, .. } => helper().at(program),
        LoginFault::Failed { program, .. } | LoginFault::Nonsense { program } | LoginFault::Silent { program, .. } => {
            let hint = Hint::Advice(
                "run `docker login` again, or keep the login in dam: dam modifyrepo NAME --username USER".into(),
            );
            Advice::with("login-helper", [hint]).at(program)
        }
    }
}
