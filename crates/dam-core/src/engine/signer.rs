//! A program of the user's that signs, because the key must not be a file: on a card, in a safe, behind an agent.

use std::fmt;
use std::io::{self, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use dam_pack::sign::{External, Kind, SignError, Signature, Signer, Unsigned};

/// How many of a program's last lines are kept, and how many characters of each.
const LINES: usize = 5;
const WIDTH: usize = 300;

/// A shell command that signs as GnuPG does: it is run with `--detach-sign` behind it, and `--textmode` where a text is
/// signed, reads what is to be signed from stdin and writes an OpenPGP signature, with or without armour, to stdout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerCommand(pub String);

impl Signer for SignerCommand {
    fn sign(&self, unsigned: &Unsigned<'_>) -> Result<Signature, SignError> {
        External(|unsigned: &Unsigned<'_>| self.run(unsigned)).sign(unsigned)
    }
}

impl SignerCommand {
    fn run(&self, unsigned: &Unsigned<'_>) -> io::Result<Vec<u8>> {
        // The shell takes the user's words apart, and `"$@"` brings ours behind them.
        let script = format!("{} \"$@\"", self.0);
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &script, "sh", "--detach-sign"]);
        command.args((unsigned.kind == Kind::Text).then_some("--textmode"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut stdin = child.stdin.take().expect("it is piped");
        let output = thread::scope(|scope| {
            // A program that does not read all says what it has to say by its end.
            scope.spawn(move || stdin.write_all(unsigned.bytes));
            child.wait_with_output()
        })?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(io::Error::other(SignerFailed { status: output.status, said: last_lines(&output.stderr) }))
    }
}

fn last_lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<_> = text.lines().map(|line| line.chars().take(WIDTH).collect()).collect();
    lines[lines.len().saturating_sub(LINES)..].to_vec()
}

/// How a signer failed. Shown with its last words, a line each; they are not dam's.
#[derive(Debug)]
pub struct SignerFailed {
    /// How it ended.
    pub status: ExitStatus,
    /// Its last lines.
    pub said: Vec<String>,
}

impl std::error::Error for SignerFailed {}

impl fmt::Display for SignerFailed {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "it ended with {}", self.status)?;
        self.said.iter().try_for_each(|line| write!(f, "\n{line}"))
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use dam_pack::sign::{Kind, SignError, Signer, Unsigned};

    use super::SignerCommand;

    fn sign(command: &str, kind: Kind, bytes: &[u8]) -> SignError {
        let unsigned = Unsigned { bytes, kind, not_before: 0 };
        SignerCommand(command.to_owned()).sign(&unsigned).expect_err("no signature")
    }

    fn cause(command: &str, kind: Kind) -> String {
        sign(command, kind, b"x").source().expect("a cause").to_string()
    }

    #[test]
    fn it_is_called_as_gnupg_is() {
        let told = |kind| cause(r#"f() { echo "[$*]" "[$(cat)]" >&2; exit 3; }; f "two words""#, kind);
        assert_eq!(told(Kind::Binary), "it ended with exit status: 3\n[two words --detach-sign] [x]");
        assert_eq!(told(Kind::Text), "it ended with exit status: 3\n[two words --detach-sign --textmode] [x]");
    }

    #[test]
    fn the_last_of_many_words_are_kept() {
        let said = cause("seq 1 9 >&2; kill -9 $$; true", Kind::Binary);
        assert_eq!(said, "it ended with signal: 9 (SIGKILL)\n5\n6\n7\n8\n9");
    }

    #[test]
    fn one_that_does_not_listen_is_no_trouble() {
        let answer = sign("echo no", Kind::Binary, &vec![7; 1 << 20]);
        assert_eq!(answer.to_string(), "the signer's answer cannot be used: it is not an OpenPGP signature");
    }
}
