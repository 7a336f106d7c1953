//! What signs.

use std::path::PathBuf;

use clap::Args;

/// What signs: a key, or a program that has one. Nothing, if neither is given.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Signing {
    /// Signs with an OpenPGP secret key: RSA, as `gpg --export-secret-keys` writes it
    ///
    /// If a passphrase locks it, that is $DAM_PASSPHRASE; on a terminal dam asks for it.
    #[arg(long, value_name = "FILE", conflicts_with = "signer")]
    pub(crate) key: Option<PathBuf>,
    /// Signs with a command such as `gpg -u robin`, run with --detach-sign [--textmode]: stdin to stdout
    #[arg(long, value_name = "COMMAND")]
    pub(crate) signer: Option<String>,
}
