//! Names of what is in a document: `SPDXRef-` and letters, digits, dots and dashes. They come from digests, so that they are
//! the same in every document.

use dam_oci::Digest;

use super::{Program, SourceFile};
use crate::engine::elf::Module;

pub(super) fn of_source(source: &SourceFile) -> String {
    named("Source", &source.name, &source.digest)
}

/// A program at two paths is two.
pub(super) fn of_program(program: &Program) -> String {
    named("Program", program.name(), &Digest::of(format!("{} {}", program.path, program.digest).as_bytes()))
}

pub(super) fn of_module(module: &Module) -> String {
    let version = module.version.as_deref().unwrap_or_default();
    named("Module", &module.path, &Digest::of(format!("{} {version}", module.path).as_bytes()))
}

fn named(kind: &str, name: &str, digest: &Digest) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '-' };
    let name: String = name.chars().map(plain).collect();
    format!("SPDXRef-{kind}-{name}-{}", &digest.hex()[..16])
}
