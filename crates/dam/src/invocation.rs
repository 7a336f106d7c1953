//! The command line as it was typed, for hints that can be pasted.

use std::ffi::OsString;

/// The command line as it was typed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Invocation(Vec<String>);

impl Invocation {
    /// Keeps the arguments, of which the first is the program; the program is shown as `dam`, wherever it lies. Values
    /// of `--build-arg` are often secrets and are kept as `…`, because hints end in the logs of build servers; and so are
    /// passwords.
    pub(crate) fn new(args: &[OsString]) -> Self {
        let mut words = vec!["dam".to_owned()];
        let mut hides = None;
        for arg in args.iter().skip(1) {
            let arg = arg.to_string_lossy();
            words.push(match (hides, arg.split_once('=')) {
                (Some("--password"), _) => "…".to_owned(),
                (Some(_), _) => without_value(&arg),
                (None, Some(("--build-arg", pair))) => format!("--build-arg={}", without_value(pair)),
                (None, Some(("--password", _))) => "--password=…".to_owned(),
                (None, _) => quote(&arg),
            });
            hides = ["--build-arg", "--password"].into_iter().find(|flag| hides.is_none() && arg == *flag);
        }
        Self(words)
    }

    /// Returns the line with words before and after it: `sudo dam list`, `dam remove shop --yes`.
    pub(crate) fn again(&self, before: &str, after: &str) -> String {
        let words = [before].into_iter().chain(self.0.iter().map(String::as_str)).chain([after]);
        words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

/// Returns `KEY=…` of `KEY=VALUE`; a key alone stays, as its value comes from the environment.
fn without_value(pair: &str) -> String {
    match pair.split_once('=') {
        Some((key, _)) => format!("{}=…", quote(key)),
        None => quote(pair),
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
    #[test]
    fn values_of_build_args_are_not_repeated() {
        let again = |line: &str| {
            let args: Vec<_> = line.split(' ').map(Into::into).collect();
            Invocation::new(&args).again("sudo", "")
        };
        for (typed, shown) in [
            ("dam create --build-arg TOKEN=hunter2 shop", "sudo dam create --build-arg TOKEN=… shop"),
            ("dam create --build-arg=TOKEN=a=b shop", "sudo dam create --build-arg=TOKEN=… shop"),
            ("dam addrepo --password hunter2 --name x", "sudo dam addrepo --password … --name x"),
            ("dam addrepo --password=a=b --name x", "sudo dam addrepo --password=… --name x"),
            ("dam create --build-arg TOKEN shop=1", "sudo dam create --build-arg TOKEN shop=1"),
        ] {
            assert_eq!(again(typed), shown);
        }
    }
}
