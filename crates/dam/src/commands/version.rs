//! `dam version`.

use dam_core::ledger;
use dam_oci::Platform;

use crate::error::CliError;
use crate::show::Version;
use crate::ui::Ui;

pub(super) fn run(ui: &Ui) -> Result<(), CliError> {
    let platform = Platform::host().to_string();
    ui.print(&Version { version: env!("CARGO_PKG_VERSION"), platform, ledger: ledger::FORM })
}
