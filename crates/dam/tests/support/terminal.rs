//! A terminal with somebody at it.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use super::Dam;

/// How long somebody waits before typing: a program says its question first, and tells the terminal to forget what was typed
/// and to show nothing right behind it.
const THOUGHT: Duration = Duration::from_millis(500);

/// What came of a line at a terminal.
pub(crate) struct Talk {
    /// The exit code, unless a signal ended it.
    pub(crate) code: Option<i32>,
    /// All that was shown.
    pub(crate) screen: String,
}

impl Dam {
    /// Runs a line under `script`, which gives it a terminal; each answer is typed once its question is seen.
    pub(crate) fn converse(&self, line: &str, talk: &[(&str, &str)]) -> Talk {
        let inner = self.command(line);
        let words = std::iter::once(inner.get_program()).chain(inner.get_args());
        let words: Vec<&str> = words.map(|word| word.to_str().expect("plain words")).collect();
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--flush", "--command", &words.join(" "), "/dev/null"]).env_clear();
        script.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        script.env("TERM", "dumb").env("NO_COLOR", "1").env("SHELL", "/bin/sh");
        script.current_dir(inner.get_current_dir().expect("its folder"));
        let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("`script` of bsdutils");
        let (mut keys, mut shown) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        let mut screen = Vec::new();
        for (question, answer) in talk {
            let begun = screen.len();
            while !String::from_utf8_lossy(&screen[begun..]).contains(question) {
                let mut piece = [0; 256];
                let count = shown.read(&mut piece).expect("a terminal");
                assert!(count > 0, "it ended without `{question}`:\n{}", String::from_utf8_lossy(&screen));
                screen.extend_from_slice(&piece[..count]);
            }
            sleep(THOUGHT);
            writeln!(keys, "{answer}").expect("it reads");
        }
        shown.read_to_end(&mut screen).expect("a terminal");
        let code = child.wait().expect("our child").code();
        Talk { code, screen: String::from_utf8_lossy(&screen).replace("\r\n", "\n") }
    }
}
