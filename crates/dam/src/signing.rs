//! What signs packages and repositories.

use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use dam_core::Cancel;
use dam_core::engine::SignerCommand;
use dam_pack::sign::{SecretKey, SignError, Signer};

use crate::args::Signing;
use crate::context::Context;
use crate::error::{CliError, Hint};

/// Where a passphrase comes from if nobody is to be asked.
pub(crate) const PASSPHRASE: &str = "DAM_PASSPHRASE";

/// Longest key file, in bytes: keys that many have signed are large.
const LIMIT: u64 = 16 << 20;

/// What signs, ready to do so.
#[derive(Debug)]
pub(crate) enum OpenSigner {
    /// A key that was read.
    Key(SecretKey),
    /// A program, of which nothing is known before it signs.
    Command(SignerCommand),
}

impl OpenSigner {
    /// Returns what signs.
    pub(crate) fn signer(&self) -> &(dyn Signer + Sync) {
        match self {
            Self::Key(key) => key,
            Self::Command(command) => command,
        }
    }
}

/// Opens what is to sign, if anything is; asks for the passphrase of a locked key.
pub(crate) fn open(context: &Context, args: &Signing, cancel: &Cancel) -> Result<Option<OpenSigner>, CliError> {
    if let Some(command) = &args.signer {
        return Ok(Some(OpenSigner::Command(SignerCommand(command.clone()))));
    }
    args.key.as_deref().map(|path| open_key(context, path, cancel).map(OpenSigner::Key)).transpose()
}

fn open_key(context: &Context, path: &Path, cancel: &Cancel) -> Result<SecretKey, CliError> {
    let file = read_key_file(path)?;
    let refused = |error: SignError| unusable(path, &error);
    match (SecretKey::read(&file, None), context.variable(PASSPHRASE)) {
        (Err(SignError::Locked), Some(passphrase)) => {
            SecretKey::read(&file, Some(passphrase.as_bytes())).map_err(refused)
        }
        (Err(SignError::Locked), None) if context.ui.can_ask() => {
            let passphrase = context.ui.ask_secret(&format!("Passphrase of {}: ", path.display()), cancel)?;
            SecretKey::read(&file, Some(passphrase.as_bytes())).map_err(refused)
        }
        (read, _) => read.map_err(refused),
    }
}

/// Reads a file with a key, secret or public.
pub(crate) fn read_key_file(path: &Path) -> Result<Vec<u8>, CliError> {
    let file = File::open(path).map_err(CliError::access(path))?;
    let mut bytes = Vec::new();
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(CliError::access(path))?;
    if bytes.len() as u64 > LIMIT {
        return Err(CliError::new("bad-key", format!("`{}` is too large for a key", path.display())));
    }
    Ok(bytes)
}

/// Says why a key file cannot be used, and what to do.
pub(crate) fn unusable(path: &Path, error: &SignError) -> CliError {
    let kind = match error {
        SignError::Locked => "key-locked",
        SignError::Passphrase => "wrong-passphrase",
        SignError::Key(_) | SignError::External(_) | SignError::Answer(_) => "bad-key",
    };
    let fault = CliError::new(kind, format!("the key in `{}` cannot be used", path.display())).because(error);
    let fault = CliError { path: Some(path.to_owned()), ..fault };
    match error {
        SignError::Locked | SignError::Passphrase => fault
            .hint(Hint::Advice(format!("put the passphrase into the variable {PASSPHRASE}, or run dam on a terminal"))),
        SignError::Key(_) | SignError::External(_) | SignError::Answer(_) => {
            let command = "gpg --quick-generate-key 'dam packages' rsa4096 sign never";
            fault.hint(Hint::Command(command.to_owned(), "makes one that every target knows"))
        }
    }
}
