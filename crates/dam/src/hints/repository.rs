//! Advice on folders that are to be repositories.

use dam_pack::repo::{NameFault, PlaceFault, RepositoryError, storable};
use dam_pack::sign::SignError;

use super::{Advice, access};
use crate::error::Hint;
use crate::invocation::quote;

/// Advises on a folder that was made none.
pub(super) fn advise(error: &RepositoryError) -> Advice {
    match error {
        RepositoryError::Access { path, source } => access(path, source),
        RepositoryError::Empty { folder } => {
            let hint = Hint::Command("dam engine build".into(), "builds packages");
            Advice::with("no-packages", [hint]).at(folder)
        }
        RepositoryError::Package { path, .. } => {
            let path_shown = quote(&path.display().to_string());
            let hint = Hint::Command(format!("dam engine explain {path_shown}"), "shows what of it can be read");
            Advice::with("damaged", [hint]).at(path)
        }
        RepositoryError::Unlistable { path, .. } => Advice::new("not-a-package").at(path),
        RepositoryError::Name { path, part, fault } => match fault {
            NameFault::Long => Advice::with("bad-file-name", [Hint::Advice("give it a shorter name".into())]).at(path),
            NameFault::NoText | NameFault::Character(_) | NameFault::End | NameFault::Device => {
                // The part may be a folder on the way.
                let old =
                    path.ancestors().find(|path| path.file_name().is_some_and(|name| name.to_string_lossy() == *part));
                let old = old.unwrap_or(path);
                let [old, new] =
                    [old, &old.with_file_name(storable(part))].map(|path| quote(&path.display().to_string()));
                let hint = Hint::Command(format!("mv {old} {new}"), "gives it a name that every stick can hold");
                Advice::with("bad-file-name", [hint]).at(path)
            }
        },
        RepositoryError::Clash { .. } => {
            Advice::with("names-clash", [Hint::Advice("give one of them another name".into())])
        }
        RepositoryError::Link { path } => {
            let path_shown = quote(&path.display().to_string());
            let hint = Hint::Command(
                format!("cp --remove-destination \"$(readlink -f {path_shown})\" {path_shown}"),
                "puts the file there",
            );
            Advice::with("package-is-link", [hint]).at(path)
        }
        RepositoryError::Twice { .. } => {
            Advice::with("package-twice", [Hint::Advice("remove one of them, or give it another version".into())])
        }
        RepositoryError::Stopped => Advice::new("interrupted"),
        RepositoryError::Sign { source, .. } => match source {
            SignError::Answer(_) | SignError::External(_) => Advice::new("signer-failed"),
            SignError::Key(_) | SignError::Locked | SignError::Passphrase => Advice::new("bad-key"),
        },
    }
}

/// Advises on a place that no source can name.
pub(super) fn place(fault: &PlaceFault) -> Advice {
    match fault {
        PlaceFault::Neither(_) | PlaceFault::Unquotable { .. } => {
            let note = "says where the machines find it";
            Advice::with("bad-place", [Hint::Again { before: "", after: "--at /media/stick", note }])
        }
    }
}
