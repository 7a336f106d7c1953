//! What a package needs, and what it cannot stand beside.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// Relations to other packages, in the names of one format.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Relations {
    /// Must be there.
    pub depends: Vec<Relation>,
    /// Should be there.
    pub recommends: Vec<Relation>,
    /// May be of use.
    pub suggests: Vec<Relation>,
    /// Cannot be there.
    pub conflicts: Vec<Relation>,
    /// Names it has beside its own.
    pub provides: Vec<Relation>,
    /// What it takes the place of: `Replaces`, `Obsoletes`.
    pub replaces: Vec<Relation>,
}

/// A package that is named, by version if that matters: `name` or `name (>= 1.2)`. A path is a name in RPM.
///
/// Nothing richer: the tools of the oldest targets read neither alternatives with brackets nor conditions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Relation {
    /// The name.
    pub name: String,
    /// How its version compares, and with what.
    pub version: Option<(Comparison, String)>,
}

/// How versions compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Comparison {
    /// `<<` in Debian, `<` in RPM.
    Less,
    /// `<=`
    LessOrEqual,
    /// `=`
    Equal,
    /// `>=`
    GreaterOrEqual,
    /// `>>` in Debian, `>` in RPM.
    Greater,
}

impl Comparison {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Less, "<<"),
        (Self::LessOrEqual, "<="),
        (Self::Equal, "="),
        (Self::GreaterOrEqual, ">="),
        (Self::Greater, ">>"),
    ];

    /// Returns Debian's sign.
    pub fn sign(self) -> &'static str {
        Self::ALL.iter().find(|(comparison, _)| *comparison == self).expect("all are listed").1
    }

    /// Says whether a version that compares so with the one in the relation is meant.
    pub fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Less => ordering == Ordering::Less,
            Self::LessOrEqual => ordering != Ordering::Greater,
            Self::Equal => ordering == Ordering::Equal,
            Self::GreaterOrEqual => ordering != Ordering::Less,
            Self::Greater => ordering == Ordering::Greater,
        }
    }
}

impl fmt::Display for Relation {
    /// Writes it as Debian does.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.name)?;
        self.version.iter().try_for_each(|(comparison, version)| write!(f, " ({} {version})", comparison.sign()))
    }
}

impl FromStr for Relation {
    type Err = ParseRelationError;

    fn from_str(text: &str) -> Result<Self, ParseRelationError> {
        let fault = || ParseRelationError(text.to_owned());
        let (name, version) = match text.split_once('(') {
            Some((name, rest)) => (name.trim(), Some(rest.strip_suffix(')').ok_or_else(fault)?.trim())),
            None => (text.trim(), None),
        };
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"+-._/".contains(&byte);
        if name.is_empty() || !name.bytes().all(letter) {
            return Err(fault());
        }
        let version = version.map(|version| {
            let mut signs = Comparison::ALL.iter();
            let (comparison, sign) = signs.find(|(_, sign)| version.starts_with(sign)).ok_or_else(fault)?;
            let number = version[sign.len()..].trim();
            let good = !number.is_empty()
                && number.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.~:_".contains(&byte));
            if good { Ok((*comparison, number.to_owned())) } else { Err(fault()) }
        });
        Ok(Self { name: name.to_owned(), version: version.transpose()? })
    }
}

/// A text that is no relation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a package: it is written `name` or `name (>= version)`, with one of << <= = >= >>")]
pub struct ParseRelationError(pub String);

#[cfg(test)]
mod tests {
    use super::Relation;

    #[test]
    fn relations_are_read_and_shown() {
        for text in ["iptables", "docker-ce (<< 5:28.0.0)", "/usr/sbin/groupadd", "libc6 (>= 2.17)"] {
            assert_eq!(text.parse::<Relation>().expect(text).to_string(), text);
        }
        for bad in ["", "a | b", "(iptables or nftables)", "a (1)", "a (>= )", "a (>= 1", "a b"] {
            assert!(bad.parse::<Relation>().is_err(), "{bad}");
        }
    }
}
