//! Advice on packages.

use dam_core::engine::PackageFault;
use dam_core::ops::engine::check::CheckFault;

use super::Advice;
use crate::error::Hint;

/// Advises on a file that is no package.
pub(super) fn advise(fault: &PackageFault) -> Advice {
    match fault {
        PackageFault::Foreign { path } => Advice::new("not-a-package").at(path),
        PackageFault::Unreadable { path, .. } => {
            Advice::with("damaged", [Hint::Advice("copy the file again from where it came".into())]).at(path)
        }
    }
}

/// Advises on a package that cannot be checked.
pub(super) fn check(fault: &CheckFault) -> Advice {
    match fault {
        CheckFault::NoTarget { path, .. } => {
            Advice::with("no-target", [Hint::Advice("without --target, all targets of its format are asked".into())])
                .at(path)
        }
    }
}
