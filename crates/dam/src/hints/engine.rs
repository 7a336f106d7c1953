//! Advice on what packages of Docker Engine are made of.

use std::io;
use std::path::Path;

use dam_core::engine::recipe::{DaemonError, Reason};
use dam_core::engine::{ArchiveError, ElfFault, PluginError, RecipeError};
use dam_pack::Architecture;

use super::{Advice, access, oci};
use crate::error::Hint;
use crate::invocation::quote;

/// Advises on a recipe. Each of its faults is a cause with its place, `engine.toml:12: …`, as compilers write it and
/// editors find it.
pub(super) fn recipe(error: &RecipeError) -> Advice {
    match error {
        RecipeError::Access { path, source } if source.kind() == io::ErrorKind::NotFound => {
            let command = format!("dam engine init {}", quote(&path.display().to_string()));
            Advice::with("not-found", [Hint::Command(command, "writes one to begin with")]).at(path)
        }
        RecipeError::Access { path, source } => access(path, source),
        RecipeError::Unplaced { path, .. } => {
            Advice::with("bad-recipe", [Hint::Advice("write it behind the `url` by hand".into())]).at(path)
        }
        RecipeError::Large { path, .. } => Advice::new("bad-recipe").at(path),
        RecipeError::Faults { path, faults } => {
            let place = path.display();
            let causes = faults.iter().map(|fault| format!("{place}:{}: {}", fault.line, fault.reason)).collect();
            let is_unpinned = faults.iter().any(|fault| is_missing_pin(&fault.reason));
            let hints = is_unpinned.then(|| fetch(path)).into_iter().collect::<Vec<_>>();
            Advice { causes, ..Advice::with("bad-recipe", hints).at(path) }
        }
    }
}

fn is_missing_pin(reason: &Reason) -> bool {
    match reason {
        Reason::Missing { key, .. } => key.ends_with(".sha256"),
        Reason::Syntax(_) | Reason::Unknown { .. } | Reason::Kind { .. } | Reason::Value { .. } => false,
    }
}

/// Names the command that fills in what is missing.
fn fetch(recipe: &Path) -> Hint {
    let recipe = quote(&recipe.display().to_string());
    Hint::Command(format!("dam engine fetch {recipe}"), "downloads what it names, and notes the digests")
}

/// Advises on the engine's settings.
pub(super) fn settings(error: &DaemonError) -> Advice {
    match error {
        DaemonError::Access { path, source } => access(path, source),
        DaemonError::Large { path, .. } | DaemonError::Json { path, .. } | DaemonError::Refused { path, .. } => {
            Advice::new("bad-daemon-settings").at(path)
        }
    }
}

/// Advises on an engine's archive.
pub(super) fn archive(error: &ArchiveError) -> Advice {
    let upstream = || {
        let advice = "take the archive of static programs, docker-VERSION.tgz, as Docker publishes it";
        Advice::with("no-engine-archive", [Hint::Advice(advice.into())])
    };
    match error {
        ArchiveError::Access { path, source } => access(path, source),
        ArchiveError::Damaged(fault) => oci::advise(fault),
        ArchiveError::Digest { path, .. } => wrong_digest(path),
        ArchiveError::Foreign { path, .. } | ArchiveError::Missing { path, .. } => upstream().at(path),
        ArchiveError::Link { path, .. } => Advice::new("link-in-archive").at(path),
        ArchiveError::Large { path, .. } => Advice::new("archive-too-large").at(path),
        ArchiveError::Program { path, name, fault } => program(name, fault).at(path),
    }
}

/// Advises on a plugin.
pub(super) fn plugin(error: &PluginError) -> Advice {
    match error {
        PluginError::Access { path, source } => access(path, source),
        PluginError::Digest { path, .. } => wrong_digest(path),
        PluginError::Program { path, fault } => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            program(&name, fault).at(path)
        }
    }
}

/// Advises on a file of this machine that is another than the one that was pinned.
pub(super) fn wrong_digest(path: &Path) -> Advice {
    let command = format!("sha256sum {}", quote(&path.display().to_string()));
    Advice::with("wrong-digest", [Hint::Command(command, "to compare with what its publisher says")]).at(path)
}

/// Advises on a program that does not run on the targets.
fn program(name: &str, fault: &ElfFault) -> Advice {
    match fault {
        ElfFault::Read(source) => Advice { path: None, ..access("".as_ref(), source) },
        ElfFault::Foreign => Advice::new("no-program"),
        ElfFault::Short(_) | ElfFault::Damaged(_) => {
            Advice::with("damaged-program", [Hint::Advice("copy the file again from where it came".into())])
        }
        ElfFault::Architecture { found, .. } => {
            let flag = found.architecture().and_then(flag);
            let note = "makes the package for that processor";
            let hints = flag.map(|after| Hint::Again { before: "", after, note });
            Advice::with("wrong-architecture", hints.into_iter().collect::<Vec<_>>())
        }
        ElfFault::Dynamic(_) => {
            let key = toml_text(name);
            let advice = format!(
                "take a static one; or, if every machine it is for has those libraries, add to the recipe: \
                 dynamic = [{key}]"
            );
            Advice::with("dynamic-program", [Hint::Advice(advice)])
        }
    }
}

/// Returns the flag that chooses a processor, by Debian's name.
fn flag(architecture: Architecture) -> Option<&'static str> {
    match architecture {
        Architecture::All => None,
        Architecture::X86_64 => Some("--arch amd64"),
        Architecture::Aarch64 => Some("--arch arm64"),
        Architecture::Armv7 => Some("--arch armhf"),
        Architecture::Ppc64le => Some("--arch ppc64el"),
        Architecture::S390x => Some("--arch s390x"),
        Architecture::Riscv64 => Some("--arch riscv64"),
    }
}

/// Quotes a text as TOML reads it: <https://toml.io/en/v1.0.0#string>. Names with a `'` or control characters are left
/// to the reader.
fn toml_text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::path::{Path, PathBuf};

    use dam_core::Error;
    use dam_core::engine::elf::{Dynamic, ElfFault, Library};
    use dam_core::engine::{ArchiveError, Elf, PluginError, Recipe};
    use dam_core::testing::programs::static_program;
    use dam_oci::Digest;
    use dam_pack::{Architecture, Format};

    use super::super::advise;
    use super::{flag, toml_text};
    use crate::error::CliError;
    use crate::invocation::Invocation;

    fn shown(error: impl Into<Error>) -> (&'static str, String) {
        let error = CliError::from(error.into());
        let invocation = Invocation::new(&["dam", "engine", "build"].map(Into::into));
        (error.kind, anstream::adapter::strip_str(&error.words(&invocation)).to_string())
    }

    #[test]
    fn every_fault_of_a_recipe_has_its_line_and_a_missing_pin_its_command() {
        let text = "nam = \"x\"\n\n[archive]\nurl = \"https://plant/docker-26.1.5.tgz\"\n";
        let (kind, told) = shown(Recipe::parse(text, Path::new("site/engine.toml")).expect_err("two faults"));
        assert_eq!(kind, "bad-recipe");
        assert_eq!(
            told,
            "error: the recipe `site/engine.toml` has 2 faults\n\
             caused by: site/engine.toml:1: `nam` is no key of a recipe, `name` is\n\
             caused by: site/engine.toml:4: `archive.sha256` is missing: what comes from a URL is checked against it\n\
             hint: dam engine fetch site/engine.toml   downloads what it names, and notes the digests\n"
        );
    }

    #[test]
    fn a_wrong_digest_is_checked_by_hand() {
        let (found, wanted, path) = (Digest::of(b"one"), Digest::of(b"other"), PathBuf::from("docker compose"));
        let (kind, told) = shown(PluginError::Digest { path, found, wanted });
        assert_eq!(kind, "wrong-digest");
        let hint = "hint: sha256sum 'docker compose'   to compare with what its publisher says\n";
        assert_eq!(told, format!("error: `docker compose` has the digest {found}, not {wanted}\n{hint}"));
    }

    #[test]
    fn a_program_for_another_processor_names_the_flag() {
        let elf = Elf::read(Cursor::new(static_program(Architecture::Aarch64, ""))).expect("a program");
        let fault = elf.check(Architecture::X86_64, dam_core::engine::elf::Needs::Nothing).expect_err("another");
        let (path, name) = (PathBuf::from("docker.tgz"), "dockerd".to_owned());
        let (kind, told) = shown(ArchiveError::Program { path, name, fault });
        assert_eq!(kind, "wrong-architecture");
        assert_eq!(
            told,
            "error: `dockerd` of `docker.tgz` is for arm64, not for amd64\n\
             hint: dam engine build --arch arm64   makes the package for that processor\n"
        );
    }

    #[test]
    fn a_dynamic_program_names_the_key_that_allows_it() {
        let libraries = vec![Library { name: "libc.so.6".to_owned(), newest: Some("GLIBC_2.34".to_owned()) }];
        let fault = ElfFault::Dynamic(Dynamic { linker: None, libraries });
        let error = Error::from(PluginError::Program { path: "in/docker-compose".into(), fault });
        let advice = advise(&error);
        assert_eq!((advice.kind, advice.path), ("dynamic-program", Some("in/docker-compose".into())));
        let (_, told) = shown(error);
        assert!(
            told.ends_with(
                "hint: take a static one; or, if every machine it is for has those libraries, add to the recipe: \
                 dynamic = [\"docker-compose\"]\n"
            ),
            "{told}"
        );
        assert_eq!(toml_text(r#"a"b\c"#), r#""a\"b\\c""#);
    }

    #[test]
    fn flags_have_the_names_that_recipes_know() {
        for architecture in Architecture::EVERY.into_iter().filter(|other| *other != Architecture::All) {
            let name = architecture.name(Format::Deb);
            assert_eq!(flag(architecture), Some(format!("--arch {name}").as_str()));
        }
    }
}
