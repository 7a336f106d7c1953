//! Advice on making packages of Docker Engine.

use std::io;
use std::path::Path;

use dam_core::engine::BuildError;
use dam_pack::WriteError;

use super::{Advice, access};
use crate::error::Hint;

/// Advises on a package that is not made.
pub(super) fn advise(error: &BuildError) -> Advice {
    let again = |after, note| Hint::Again { before: "", after, note };
    match error {
        BuildError::Access { path, source } => access(path, source),
        BuildError::NoFile { path } => Advice::new("no-file").at(path),
        BuildError::NoArchive => Advice::with(
            "no-archive",
            [
                again("--archive docker-VERSION.tgz", "packages the archive that Docker publishes"),
                Hint::Command("dam engine init".into(), "begins a recipe"),
            ],
        ),
        BuildError::NoVersion { archive } => {
            Advice::with("no-version", [again("--version 26.1.5", "says it")]).at(archive)
        }
        BuildError::Version(_) => Advice::new("bad-version"),
        BuildError::NoDam => Advice::with("no-dam", [Hint::Advice("mount /proc, by which dam finds itself".into())]),
        BuildError::Settings { said } => Advice { said: said.clone(), ..Advice::new("bad-daemon-settings") },
        BuildError::Output { path, source } if source.kind() == io::ErrorKind::StorageFull => {
            Advice::with("disk-full", [again("--out DIR", "writes them to another disk")]).at(path)
        }
        BuildError::Output { path, source } => access(path, source),
        BuildError::Write { path, source } => write(path, source),
        BuildError::Unfit { findings, .. } => {
            let causes = findings.iter().map(ToString::to_string).collect();
            Advice { causes, ..Advice::new("unfit-package") }
        }
    }
}

fn write(package: &Path, fault: &WriteError) -> Advice {
    match fault {
        WriteError::Output { source, .. } => access(package, source),
        WriteError::Content { path, source } => access(path, source),
        WriteError::Length { path, .. } => Advice::new("changed-meanwhile").at(path),
        WriteError::Description(_) => Advice::new("bad-package").at(package),
        WriteError::Stopped => Advice::new("interrupted"),
        WriteError::Sign(_) => Advice::new("not-signed").at(package),
    }
}
