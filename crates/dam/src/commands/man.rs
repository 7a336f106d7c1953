//! `dam man`: the man pages, for packages of dam.

use std::fs;

use crate::args::{self, Folder};
use crate::error::CliError;
use crate::generate;
use crate::ui::Ui;

pub(super) fn run(ui: &Ui, args: &Folder) -> Result<(), CliError> {
    let pages = generate::man_pages(args::definition());
    write(ui, args, &pages)
}

/// Writes pages into a folder.
pub(super) fn write(ui: &Ui, args: &Folder, pages: &[generate::Page]) -> Result<(), CliError> {
    fs::create_dir_all(&args.dir).map_err(CliError::access(&args.dir))?;
    for page in pages {
        let path = args.dir.join(&page.name);
        fs::write(&path, &page.text).map_err(CliError::access(&path))?;
    }
    ui.status(&format!("{} pages written to {}", pages.len(), args.dir.display()));
    Ok(())
}
