//! The `.dockerignore` file: what of a folder stays out of a build.
//!
//! The rules are those of <https://github.com/moby/patternmatcher>, not Git's: a pattern without a slash is anchored at
//! the root like any other, the last pattern that matches decides, and what lies in an excluded folder can be let in
//! again with `!`. Documentation: <https://docs.docker.com/build/concepts/context/#dockerignore-files>.

use crate::pattern::Pattern;
use crate::{Error, Result};

/// The files the engine needs to build at all; the Docker CLI sends them whatever the patterns say.
const ALWAYS_SENT: [&str; 2] = ["Dockerfile", ".dockerignore"];

/// A parsed `.dockerignore` file.
#[derive(Debug, Clone)]
pub struct DockerIgnore {
    rules: Vec<Rule>,
    sent: Vec<String>,
}

#[derive(Debug, Clone)]
struct Rule {
    pattern: Pattern,
    /// Written with `!`: lets in again what an earlier rule kept out.
    exception: bool,
}

impl Default for DockerIgnore {
    /// Excludes nothing.
    fn default() -> Self {
        Self { rules: Vec::new(), sent: ALWAYS_SENT.map(str::to_owned).to_vec() }
    }
}

impl DockerIgnore {
    /// Reads the lines of a `.dockerignore` file. Fails with [`Error::Damaged`] on a pattern Docker refuses too.
    pub fn parse(text: &str) -> Result<Self> {
        let mut ignore = Self::default();
        for (at, line) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
            if line.starts_with('#') {
                continue;
            }
            let fault = || Error::damaged(".dockerignore", format!("line {}: `{}` is no pattern", at + 1, line.trim()));
            let (pattern, exception) = match line.trim().strip_prefix('!') {
                Some("") => return Err(fault()),
                Some(pattern) => (pattern.trim(), true),
                None => (line.trim(), false),
            };
            if pattern.is_empty() {
                continue;
            }
            let pattern = Pattern::ignore(&clean(pattern)).map_err(|_| fault())?;
            ignore.rules.push(Rule { pattern, exception });
        }
        Ok(ignore)
    }

    /// Names one more file that a build is sent even if it is excluded: a Dockerfile of another name.
    pub fn sending(mut self, path: &str) -> Self {
        self.sent.push(clean(path));
        self
    }

    /// Tells whether `path`, relative to the context and with `/`, is excluded.
    pub fn excludes(&self, path: &str) -> bool {
        let parents = path.match_indices('/').map(|(at, _)| &path[..at]);
        let candidates: Vec<&str> = std::iter::once(path).chain(parents).collect();
        self.rules.iter().fold(false, |excluded, rule| {
            // A rule that would change nothing is not looked at.
            if rule.exception != excluded {
                return excluded;
            }
            excluded != candidates.iter().any(|candidate| rule.pattern.matches(candidate))
        })
    }

    /// Tells whether `path` goes to the engine although it is excluded. The build itself must not see it.
    pub fn is_sent_anyway(&self, path: &str) -> bool {
        self.sent.iter().any(|sent| sent == path)
    }

    /// Tells whether a file that is sent anyway lies below `folder`.
    pub(crate) fn sends_from_below(&self, folder: &str) -> bool {
        self.sent.iter().any(|sent| sent.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
    }

    /// Tells whether something inside an excluded folder may be let in, so that it has to be walked.
    pub fn has_exceptions(&self) -> bool {
        self.rules.iter().any(|rule| rule.exception)
    }
}

/// Go's `filepath.Clean`, and no leading slash.
fn clean(pattern: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in pattern.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|&last| last != "..") => {
                parts.pop();
            }
            // Behind the root there is nothing above; elsewhere it stays, and matches nothing.
            ".." if pattern.starts_with('/') => {}
            part => parts.push(part),
        }
    }
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, proptest};

    use super::DockerIgnore;

    fn excludes(patterns: &str, path: &str) -> bool {
        DockerIgnore::parse(patterns).expect(patterns).excludes(path)
    }

    /// From the tests of moby/patternmatcher, `patternmatcher_test.go`.
    #[test]
    fn excludes_what_docker_excludes() {
        let table = [
            ("**", "file", true),
            ("**", "dir/file", true),
            ("**/", "dir/file", true),
            ("**/**", "dir/file", true),
            ("dir/**", "dir/file", true),
            ("dir/**", "dir/dir2/file", true),
            ("**/dir", "dir/file", true),
            ("**/dir2/*", "dir/dir2/dir2/file", true),
            ("**file", "dir/file", true),
            ("**file", "dirfile", true),
            ("**/file", "dir/dir/file", true),
            ("**/file*", "dir/dir/file.txt", true),
            ("**/file*txt", "dir/dir/file.txt", true),
            ("**/file*.txt*", "dir/dir/file.txt", true),
            ("**/**/*.txt", "dir/dir/file.txt", true),
            ("**/**/*.txt2", "dir/dir/file.txt", false),
            ("**/*.txt", "file.txt", true),
            ("**/**/*.txt", "file.txt", true),
            ("a**/*.txt", "a/file.txt", true),
            ("a**/*.txt", "a/dir/file.txt", true),
            ("a/*.txt", "a/dir/file.txt", false),
            ("a/*.txt**", "a/file.txt", true),
            ("a[b-d]e", "ae", false),
            ("a[b-d]e", "ace", true),
            ("a[^b-d]e", "aze", true),
            (".*", ".foo", true),
            (".*", "foo", false),
            ("abc.def", "abcdef", false),
            ("abc?def", "abcZdef", true),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("**/foo/bar", "a/b/foo/bar", true),
            ("**/foo/bar", "foo/bar", true),
            ("abc/**", "abc", false),
            ("abc/**", "abc/def", true),
            ("**/.foo", "bar/.foo", true),
            ("**/.foo", "bar.foo", false),
            ("a.|)$(}+{bc", "a.|)$(}+{bc", true),
            ("dist/*.whl", "dist/proxy.py-2.4.0rc3-py3.whl", true),
        ];
        for (pattern, path, expected) in table {
            assert_eq!(excludes(pattern, path), expected, "{pattern} on {path}");
        }
    }

    #[test]
    fn the_last_pattern_that_matches_decides() {
        assert!(!excludes("*\n!README.md", "README.md"));
        assert!(excludes("!README.md\n*", "README.md"));
        assert!(excludes("*.md\n!README*.md\nREADME-secret.md", "README-secret.md"));
        assert!(!excludes("*.md\n!README*.md\nREADME-secret.md", "README-open.md"));
        assert!(!excludes("docs\n!docs/README.md", "docs/README.md"));
        assert!(excludes("docs\n!docs/README.md", "docs/other.md"));
        assert!(!excludes("a/b\n!a", "a/b/c"));
    }

    #[test]
    fn patterns_are_anchored_and_cleaned() {
        assert!(excludes("/foo", "foo"));
        assert!(excludes("foo/", "foo/bar"));
        assert!(excludes("./foo//bar/../baz", "foo/baz"));
        assert!(excludes("  spaced  ", "spaced"));
        assert!(excludes("! a\n  a  ", "a"));
        assert!(!excludes("foo", "dir/foo"));
        assert!(!excludes("../foo", "foo"));
        assert!(excludes("dos\r\n", "dos"));
        assert!(!excludes("# foo\n\n   \n", "# foo"));
        assert!(excludes(" # foo", "# foo"));
        assert!(excludes("\u{feff}foo", "foo"));
    }

    #[test]
    fn refuses_what_is_no_pattern() {
        for text in ["!", "[", "a\n[]x]", "\\"] {
            assert!(DockerIgnore::parse(text).is_err(), "{text}");
        }
        let error = DockerIgnore::parse("a\n!\n").expect_err("an exception to nothing");
        assert_eq!(error.to_string(), ".dockerignore is damaged: line 2: `!` is no pattern");
    }

    #[test]
    fn the_dockerfile_is_sent_anyway() {
        let ignore = DockerIgnore::parse("*").expect("a pattern").sending("./build/Dockerfile.plant");
        assert!(ignore.excludes("Dockerfile") && ignore.is_sent_anyway("Dockerfile"));
        assert!(ignore.is_sent_anyway(".dockerignore") && ignore.is_sent_anyway("build/Dockerfile.plant"));
        assert!(!ignore.is_sent_anyway("build/Dockerfile"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn never_panics(text in "[\\[\\]\\\\*?!/a-c#.^\n -]{0,40}", path in "[a-c/*.]{0,20}") {
            if let Ok(ignore) = DockerIgnore::parse(&text) {
                ignore.excludes(&path);
            }
        }

        #[test]
        fn never_panics_on_anything(text in ".{0,60}", path in ".{0,20}") {
            if let Ok(ignore) = DockerIgnore::parse(&text) {
                ignore.excludes(&path);
            }
        }
    }
}
