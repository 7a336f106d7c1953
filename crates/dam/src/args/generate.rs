//! Commands that write text made from the definitions in this folder.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// Prints the completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam completion bash > /etc/bash_completion.d/dam
  dam completion zsh > /usr/share/zsh/site-functions/_dam
  dam completion fish > ~/.config/fish/completions/dam.fish")]
pub(crate) struct Completion {
    /// The shell
    pub(crate) shell: Shell,
}

/// A folder to write into.
#[derive(Debug, Args)]
pub(crate) struct Folder {
    /// The folder; made if it is not there
    pub(crate) dir: PathBuf,
}
