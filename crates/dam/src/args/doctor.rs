//! `dam doctor`.

use std::path::PathBuf;

use clap::Args;

/// Says what is wrong with this machine, and which command mends it
///
/// Looks at the store, at dam's own state and, where Docker Engine is installed or the store, at what it needs: the kernel,
/// control groups, the firewall, SELinux and AppArmor, the file system of its data, other packages, its settings. Changes
/// nothing. Ends with 1 where something does not work.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam doctor
  dam doctor --engine          looks whether Docker Engine would run here, before it is installed
  dam doctor --json")]
pub(crate) struct Doctor {
    /// Look at what Docker Engine needs, also where there is none
    #[arg(long)]
    pub(crate) engine: bool,
    /// Look at the machine whose files are in this folder
    #[arg(long, value_name = "DIR", hide = true)]
    pub(crate) machine: Option<PathBuf>,
}
