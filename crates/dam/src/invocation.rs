//! The command line as it was typed, for hints that can be pasted.

use std::ffi::OsString;

/// The command line as it was typed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Invocation(Vec<String>);

impl Invocation {
    /// Keeps the arguments, of which the first is the program; the program is shown as `dam`, wherever it lies.
    pub(crate) fn new(args: &[OsString]) -> Self {
        let typed = args.iter().skip(1).map(|arg| quote(&arg.to_string_lossy()));
        Self(std::iter::once("dam".to_owned()).chain(typed).collect())
    }

    /// Returns the line with words before and after it: `sudo dam list`, `dam remove shop --yes`.
    pub(crate) fn again(&self, before: &str, after: &str) -> String {
        let words = [before].into_iter().chain(self.0.iter().map(String::as_str)).chain([after]);
        words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

/// Quotes a word for a POSIX shell, if it needs it.
pub(crate) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::Invocation;

    #[test]
    fn the_line_can_be_pasted() {
        let args = ["/opt/bin/dam", "remove", "it's", "shop:1.0"].map(Into::into);
        assert_eq!(Invocation::new(&args).again("", "--yes"), r"dam remove 'it'\''s' shop:1.0 --yes");
        assert_eq!(Invocation::new(&args[..2]).again("sudo", ""), "sudo dam remove");
    }
}
