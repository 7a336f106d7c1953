//! `dam docs`: the pages of docs/commands.

use super::man;
use crate::args::{self, Folder};
use crate::error::CliError;
use crate::generate;
use crate::ui::Ui;

pub(super) fn run(ui: &Ui, args: &Folder) -> Result<(), CliError> {
    man::write(ui, args, &generate::markdown_pages(&args::definition()))
}
