//! File name patterns as Go's `filepath.Match` knows them, and as `.dockerignore` extends them with `**`.
//!
//! Sources: <https://pkg.go.dev/path/filepath#Match> and
//! <https://github.com/moby/patternmatcher/blob/v0.6.0/patternmatcher.go>.

/// A compiled pattern. Matching takes time proportional to pattern times path, whatever the pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// Exactly this character.
    Literal(char),
    /// `?`: one character that is no slash.
    One,
    /// `*`: any number of characters that are no slash.
    Many,
    /// `**/`: nothing, or anything that ends in a slash.
    Folders,
    /// `**` at the end: everything.
    Rest,
    /// `[a-z]`, or `[^a-z]` when `negated`.
    Class { ranges: Vec<(char, char)>, negated: bool },
}

/// The pattern breaks the grammar: an open bracket, an empty class or a backslash at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadPattern;

impl Pattern {
    /// Reads a pattern of Go's `filepath.Match`, where `**` is the same as `*`.
    pub(crate) fn glob(text: &str) -> Result<Self, BadPattern> {
        compile(text, false).map(Self)
    }

    /// Reads a pattern of a `.dockerignore` file, cleaned of `.`, `..` and double slashes.
    pub(crate) fn ignore(text: &str) -> Result<Self, BadPattern> {
        let mut pieces = compile(text, true)?;
        // What patternmatcher does to speed up a leading `**`: with nothing but plain characters behind it, it is any
        // prefix, not only whole folders. `**.log` matches `a.log`.
        let plain = |piece: &Piece| matches!(piece, Piece::Literal(_));
        if text.starts_with("**") && !text.starts_with("**/") && pieces[1..].iter().all(plain) {
            pieces[0] = Piece::Rest;
        }
        Ok(Self(pieces))
    }

    /// Tells whether the whole of `path` matches.
    pub(crate) fn matches(&self, path: &str) -> bool {
        let path: Vec<char> = path.chars().collect();
        // `behind[at]`: do the pieces behind the current one match `path[at..]`? Filled from the last piece to the first.
        let mut behind = vec![false; path.len() + 1];
        behind[path.len()] = true;
        for piece in self.0.iter().rev() {
            behind = piece.reach(&path, &behind);
        }
        behind[0]
    }
}

impl Piece {
    /// Returns where in `path` this piece may start, if `behind` says where the next one may.
    fn reach(&self, path: &[char], behind: &[bool]) -> Vec<bool> {
        let mut here = vec![false; behind.len()];
        let mut later = false;
        for at in (0..behind.len()).rev() {
            let next = path.get(at).copied();
            here[at] = match self {
                Self::Many => behind[at] || (next.is_some_and(|c| c != '/') && here[at + 1]),
                Self::Rest => {
                    later |= behind[at];
                    later
                }
                Self::Folders => {
                    later |= next == Some('/') && behind[at + 1];
                    later || behind[at]
                }
                single => next.is_some_and(|c| single.accepts(c)) && behind[at + 1],
            };
        }
        here
    }

    fn accepts(&self, c: char) -> bool {
        match self {
            Self::Literal(literal) => *literal == c,
            Self::One => c != '/',
            Self::Class { ranges, negated } => ranges.iter().any(|&(low, high)| (low..=high).contains(&c)) != *negated,
            Self::Many | Self::Folders | Self::Rest => false,
        }
    }
}

fn compile(text: &str, double_star: bool) -> Result<Vec<Piece>, BadPattern> {
    let mut pieces = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let piece = match c {
            '*' if double_star && rest.peek() == Some(&'*') => {
                rest.next();
                rest.next_if_eq(&'/');
                if rest.peek().is_none() { Piece::Rest } else { Piece::Folders }
            }
            '*' => Piece::Many,
            '?' => Piece::One,
            '[' => class(&mut rest)?,
            '\\' => Piece::Literal(rest.next().ok_or(BadPattern)?),
            literal => Piece::Literal(literal),
        };
        pieces.push(piece);
    }
    Ok(pieces)
}

/// Reads a class behind its `[`, up to and with its `]`.
fn class(rest: &mut std::iter::Peekable<std::str::Chars>) -> Result<Piece, BadPattern> {
    let negated = rest.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty() && rest.next_if_eq(&']').is_some() {
            return Ok(Piece::Class { ranges, negated });
        }
        let low = member(rest)?;
        let high = if rest.next_if_eq(&'-').is_some() { member(rest)? } else { low };
        ranges.push((low, high));
    }
}

fn member(rest: &mut std::iter::Peekable<std::str::Chars>) -> Result<char, BadPattern> {
    match rest.next().ok_or(BadPattern)? {
        '-' | ']' => Err(BadPattern),
        '\\' => rest.next().ok_or(BadPattern),
        c => Ok(c),
    }
}

#[cfg(test)]
mod tests {
    use super::{BadPattern, Pattern};

    /// The table of Go's own test, `src/path/filepath/match_test.go`.
    #[test]
    fn matches_as_go_does() {
        let table = [
            ("abc", "abc", true),
            ("*", "abc", true),
            ("*c", "abc", true),
            ("a*", "a", true),
            ("a*", "ab/c", false),
            ("a*/b", "abc/b", true),
            ("a*/b", "a/c/b", false),
            ("a*b*c*d*e*/f", "axbxcxdxe/f", true),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/fff", false),
            ("a*b?c*x", "abxbbxdbxebxczzx", true),
            ("ab[c]", "abc", true),
            ("ab[b-d]", "abc", true),
            ("ab[^c]", "abc", false),
            ("ab[^e-g]", "abc", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "ab", false),
            ("a?b", "a☺b", true),
            ("a[^a]b", "a☺b", true),
            ("a???b", "a☺b", false),
            ("[a-ζ]*", "α", true),
            ("a?b", "a/b", false),
            ("[\\]a]", "]", true),
            ("[x\\-]", "z", false),
            ("*x", "xxx", true),
        ];
        for (pattern, path, expected) in table {
            assert_eq!(Pattern::glob(pattern).expect(pattern).matches(path), expected, "{pattern} on {path}");
        }
    }

    #[test]
    fn refuses_what_go_refuses() {
        for pattern in ["[]a]", "[-]", "[x-]", "[-x]", "[", "[^", "[^bc", "a[", "\\", "[\\"] {
            assert_eq!(Pattern::glob(pattern), Err(BadPattern), "{pattern}");
        }
    }

    #[test]
    fn a_hostile_pattern_takes_no_longer_than_another() {
        let pattern = Pattern::glob(&"a*".repeat(200)).expect("a pattern");
        assert!(!pattern.matches(&format!("{}b/", "a".repeat(400))));
    }
}
