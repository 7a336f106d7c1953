//! Shows what a hook, or a program of this machine, writes while it writes it.

use dam_core::app::{AppId, HookName};

use crate::clean::{self, Cleaner};
use crate::ui::style::DIM;

/// Puts hook output, which comes in any pieces, behind a bar.
#[derive(Debug)]
pub(super) struct HookOutput {
    cleaner: Cleaner,
    bar: bool,
    /// What is said before the first output, so that a silent hook stays silent.
    title: Option<String>,
    at_start: bool,
}

impl HookOutput {
    /// Begins with a hook; `bar` puts `  | ` before each line and keeps colours.
    pub(super) fn new(app: &AppId, hook: HookName, bar: bool) -> Self {
        Self::titled(format!("{hook} of {app}:\n"), bar)
    }

    /// Begins with a program of this machine.
    pub(super) fn of_program(program: &str, bar: bool) -> Self {
        Self::titled(format!("{}:\n", clean::line(program)), bar)
    }

    fn titled(title: String, bar: bool) -> Self {
        Self { cleaner: Cleaner::new(bar), bar, title: Some(title), at_start: true }
    }

    /// Returns what to write for `bytes`. A line without its end is written too: it may be a question.
    pub(super) fn push(&mut self, bytes: &[u8]) -> String {
        let text = self.cleaner.push(bytes);
        if text.is_empty() {
            return text;
        }
        let mut out = self.title.take().unwrap_or_default();
        if !self.bar {
            self.at_start = text.ends_with('\n');
            return if out.is_empty() { text } else { out + &text };
        }
        for line in text.split_inclusive('\n') {
            if self.at_start {
                out += &format!("{DIM}  |{DIM:#} ");
            }
            self.at_start = line.ends_with('\n');
            match line.strip_suffix('\n') {
                // Colours end with the line, so that they cannot spill over dam's own words.
                Some(line) if line.contains('\x1b') => out.extend([line, "\x1b[0m\n"]),
                _ => out += line,
            }
        }
        out
    }

    /// Returns what to write at the end: the end of the last line.
    pub(super) fn end(self) -> &'static str {
        match (self.at_start, self.bar) {
            (true, _) => "",
            (false, true) => "\x1b[0m\n",
            (false, false) => "\n",
        }
    }
}

#[cfg(test)]
mod tests {
    use dam_core::app::HookName;

    use super::HookOutput;

    fn output(bar: bool) -> HookOutput {
        HookOutput::new(&"shop:1.0".parse().expect("an app"), HookName::Install, bar)
    }

    #[test]
    fn lines_come_behind_a_bar() {
        let mut hook = output(true);
        let shown = [hook.push(b"one\ntw"), hook.push(b"o\n\x1b[31mPassword: ")].concat();
        let plain = anstream::adapter::strip_str(&shown).to_string();
        assert_eq!(plain, "install of shop:1.0:\n  | one\n  | two\n  | Password: ");
        assert_eq!(hook.end(), "\x1b[0m\n");
    }

    #[test]
    fn elsewhere_it_stays_as_it_is() {
        let mut hook = output(false);
        assert_eq!(hook.push(b""), "");
        assert_eq!(hook.push(b"\x1b[31mone\x1b[0m\n"), "install of shop:1.0:\none\n");
        assert_eq!(hook.end(), "");
    }
}
