//! Credential helpers: programs that know logins.
//!
//! `docker-credential-X get` reads a registry from stdin and writes a login to stdout, so that no secret stands in an
//! argument or a variable. Source: <https://github.com/docker/docker-credential-helpers#development>.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use dam_oci::registry::{Credentials, Secret};
use serde::Deserialize;

use super::LoginFault;
use crate::{Cancel, Result};

/// Longest answer, in bytes: some tokens are several kilobytes long.
const LIMIT: u64 = 1 << 20;
/// How often the wish to stop is looked for.
const TICK: Duration = Duration::from_millis(20);
/// The user of an identity token.
const TOKEN: &str = "<token>";
/// Longest words of a helper that are shown, in characters.
const WORDS: usize = 200;

/// A login, as a helper writes it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: Secret,
}

/// Finds the program of a helper in folders.
pub(super) fn find(name: &str, path: &[PathBuf]) -> Result<PathBuf, LoginFault> {
    let program = format!("docker-credential-{name}");
    let runs =
        |file: &PathBuf| file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0);
    // What is in the working folder was not installed by anybody.
    let mut places = path.iter().filter(|folder| folder.is_absolute()).map(|folder| folder.join(&program));
    places.find(runs).ok_or(LoginFault::NoHelper { program })
}

/// Asks a helper for the login of a registry.
pub(super) fn get(program: &Path, server: &str, patience: Duration, cancel: &Cancel) -> Result<Option<Credentials>> {
    let not_run = |source| LoginFault::NotRun { program: program.to_owned(), source };
    let mut child = Command::new(program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(not_run)?;
    // It fits into the pipe; a helper that does not read it says so by its answer.
    let _ = child.stdin.take().expect("it is piped").write_all(server.as_bytes());
    let ended = listen(&mut child, program, patience, cancel);
    if ended.is_err() {
        // It may have ended by itself in the meantime.
        let _ = child.kill();
        let _ = child.wait();
    }
    let (status, said) = ended?;
    match status.success() {
        true => Ok(read(program, &said)?),
        false => Ok(refused(program, server, &said).map(|()| None)?),
    }
}

/// Waits for all of the answer and for the end. What a helper has started may keep its output open; so it is read aside, and
/// given up with it.
fn listen(child: &mut Child, program: &Path, patience: Duration, cancel: &Cancel) -> Result<(ExitStatus, Vec<u8>)> {
    let not_run = |source| LoginFault::NotRun { program: program.to_owned(), source };
    let stdout = child.stdout.take().expect("it is piped");
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut said = Vec::new();
        let read = stdout.take(LIMIT).read_to_end(&mut said);
        // Nobody listens any more where it took too long.
        let _ = sender.send(read.map(|_| said));
    });
    let end = Instant::now() + patience;
    let silent = || LoginFault::Silent { program: program.to_owned(), limit: patience };
    let said = loop {
        cancel.check()?;
        match receiver.recv_timeout(TICK) {
            Ok(said) => break said.map_err(not_run)?,
            Err(RecvTimeoutError::Timeout) if Instant::now() < end => {}
            Err(_) => return Err(silent().into()),
        }
    };
    loop {
        cancel.check()?;
        match child.try_wait().map_err(not_run)? {
            Some(status) => return Ok((status, said)),
            None if Instant::now() < end => std::thread::sleep(TICK / 10),
            None => return Err(silent().into()),
        }
    }
}

fn read(program: &Path, said: &[u8]) -> Result<Option<Credentials>, LoginFault> {
    // What serde says would quote the answer.
    let answer: Answer =
        serde_json::from_slice(said).map_err(|_| LoginFault::Nonsense { program: program.to_owned() })?;
    Ok(match (answer.username.as_str(), answer.secret.reveal()) {
        (_, "") => None,
        (TOKEN, _) => Some(Credentials::IdentityToken(answer.secret)),
        _ => Some(Credentials::Password { username: answer.username, password: answer.secret }),
    })
}

/// Tells a helper that does not know the registry from one that failed. What looks like a login is not shown.
fn refused(program: &Path, server: &str, said: &[u8]) -> Result<(), LoginFault> {
    let said = String::from_utf8_lossy(said);
    let line = said.trim().lines().next().unwrap_or_default();
    if line.to_lowercase().contains("credentials not found") {
        return Ok(());
    }
    let words: String = line.chars().filter(|c| !c.is_control()).take(WORDS).collect();
    let said = Some(words).filter(|words| !words.is_empty() && !words.contains('{'));
    Err(LoginFault::Failed { program: program.to_owned(), server: server.to_owned(), said })
}
