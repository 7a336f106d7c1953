//! `dam completion`.

use crate::args::{self, Completion};
use crate::error::CliError;
use crate::ui::Ui;

pub(super) fn run(ui: &Ui, args: &Completion) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut args::definition(), "dam", &mut script);
    ui.answer(&String::from_utf8(script).expect("completions are made of the definition's own text"))
}
