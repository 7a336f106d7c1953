//! Where a password comes from: standard input, a word of the command line, or somebody at the terminal.

use std::io::{self, Read};

use dam_core::Cancel;
use dam_oci::registry::Secret;

use crate::args::PasswordWord;
use crate::context::Context;
use crate::error::{CliError, Hint};

/// Longest password, in bytes: tokens that are passed for one are a few kilobytes long.
const LIMIT: u64 = 64 << 10;

/// Returns the password that is given, or typed by whoever gives a user without one; an empty one is none. `of` is the repo,
/// for what is said.
pub(crate) fn password(
    context: &Context,
    word: &PasswordWord,
    username: Option<&str>,
    of: &str,
    cancel: &Cancel,
) -> Result<Option<Option<Secret>>, CliError> {
    let kept = |secret: Secret| Some(Some(secret).filter(|secret| !secret.reveal().is_empty()));
    if let Some(password) = &word.password {
        context.ui.warning("every user of this machine can see --password in `ps`; --password-stdin hides it");
        return Ok(kept(password.clone()));
    }
    if word.password_stdin {
        return Ok(kept(from_stdin()?));
    }
    let Some(username) = username else { return Ok(None) };
    if context.ui.can_ask() {
        let password = context.ui.ask_secret(&format!("Password of {username} at {of}: "), cancel)?;
        return Ok(kept(Secret::new(password)));
    }
    context
        .ui
        .hint(&format!("dam modifyrepo {of} --password-stdin   keeps a password, unless `docker login` knows one"));
    Ok(None)
}

/// Reads all of standard input, and takes one line break from its end.
fn from_stdin() -> Result<Secret, CliError> {
    let refused = |reason: &str| CliError::misuse("password", format!("standard input is no password: {reason}"));
    let mut bytes = Vec::new();
    io::stdin().lock().take(LIMIT + 1).read_to_end(&mut bytes).map_err(CliError::access("/dev/stdin".as_ref()))?;
    if bytes.len() as u64 > LIMIT {
        return Err(refused(&format!("it is longer than {LIMIT} bytes")));
    }
    let text = String::from_utf8(bytes).map_err(|_| refused("it is no text"))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    match text.strip_suffix('\r').unwrap_or(text) {
        "" => {
            let hint = Hint::Command("pass plant | dam … --password-stdin".into(), "hands one over");
            Err(refused("it is empty").hint(hint))
        }
        text => Ok(Secret::new(text)),
    }
}
