//! GnuPG, with a home of its own.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use dam_pack::sign::SecretKey;
use tempfile::TempDir;

/// A home with one secret key.
pub(crate) struct Keys {
    home: TempDir,
    passphrase: &'static str,
}

impl Keys {
    /// Makes a key that signs: `rsa3072`, `ed25519`.
    pub(crate) fn new(algorithm: &str, passphrase: &'static str) -> Self {
        let keys = Self { home: tempfile::tempdir().expect("a folder"), passphrase };
        keys.gpg(&["--quick-generate-key", "Some One <some@one.example>", algorithm, "sign", "never"], b"");
        keys
    }

    /// Runs `gpg` with this input and returns what it writes.
    #[track_caller]
    pub(crate) fn gpg(&self, words: &[&str], input: &[u8]) -> Vec<u8> {
        self.try_gpg(words, input).expect("gpg, which `make tools` installs, is content")
    }

    /// Runs `gpg`; the error is what it said.
    pub(crate) fn try_gpg(&self, words: &[&str], input: &[u8]) -> Result<Vec<u8>, String> {
        let first = ["--batch", "--pinentry-mode", "loopback", "--passphrase", self.passphrase];
        let mut command = Command::new("gpg");
        command.args(first).args(words).env("GNUPGHOME", self.home.path()).env("LC_ALL", "C");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("gpg, which `make tools` installs");
        // The answer is short, and comes when all is read.
        child.stdin.take().expect("a pipe").write_all(input).expect("gpg reads all");
        let answer = child.wait_with_output().expect("gpg ends");
        let said = String::from_utf8_lossy(&answer.stderr).into_owned();
        if answer.status.success() { Ok(answer.stdout) } else { Err(said) }
    }

    /// Returns the secret key as its owner exports it.
    pub(crate) fn file(&self) -> Vec<u8> {
        self.gpg(&["--armor", "--export-secret-keys"], b"")
    }

    /// Opens the secret key.
    pub(crate) fn key(&self) -> SecretKey {
        SecretKey::read(&self.file(), Some(self.passphrase.as_bytes())).expect("a good key")
    }

    /// Writes a file beside the keys.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.home.path().join(name);
        fs::write(&path, bytes).expect("a file");
        path
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        // The agent would go by itself when it sees that its home is gone, a minute later.
        let _ = Command::new("gpgconf").args(["--kill", "gpg-agent"]).env("GNUPGHOME", self.home.path()).status();
    }
}
