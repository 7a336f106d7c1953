//! What packages of the engine are made of.

use std::io::Cursor;
use std::path::Path;

use crate::engine::elf::{BuildInfo, Module};
use crate::engine::{Elf, Recipe, RecipeError};

/// Reads a program: what it wants, and what it says of how it was built.
pub(super) fn program(data: &[u8]) {
    if let Ok(elf) = Elf::read(Cursor::new(data)) {
        assert!(format!("{elf:?}").is_ascii());
    }
    let Ok(Some(info)) = BuildInfo::read(Cursor::new(data)) else { return };
    let modules = info.modules.iter().chain(&info.main);
    let of_module = |module: &Module| [Some(module.path.clone()), module.version.clone()];
    let words = modules.flat_map(of_module).flatten().chain(info.path.clone()).chain([info.go.clone()]);
    for word in words {
        assert!(!word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic()), "{word:?}");
    }
}

/// Reads a recipe. One that is good with all digests is good without as well.
pub(super) fn recipe(data: &[u8]) {
    let (Ok(text), path) = (std::str::from_utf8(data), Path::new("engine.toml")) else { return };
    match Recipe::parse(text, path) {
        Ok(recipe) => assert_eq!(Recipe::parse_unpinned(text, path).expect("it is good"), recipe),
        Err(RecipeError::Faults { faults, .. }) => {
            assert!(!faults.is_empty());
            let lines = 1 + text.matches('\n').count();
            assert!(faults.iter().all(|fault| (1..=lines).contains(&fault.line)), "{faults:?}");
        }
        Err(other) => panic!("{other:?}"),
    }
}
