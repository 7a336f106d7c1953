//! What can be wrong with a recipe.

use std::fmt;
use std::io;
use std::path::PathBuf;

use dam_oci::Digest;

/// Why a recipe cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// It cannot be read.
    #[error("cannot access `{path}`")]
    Access {
        /// The recipe.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is longer than any recipe.
    #[error("`{path}` has more than {limit} bytes")]
    Large {
        /// The recipe.
        path: PathBuf,
        /// The most that is read.
        limit: u64,
    },
    /// Something in it is wrong. Only the number of faults is in the sentence, for each has a line of its own.
    #[error("the recipe `{path}` has {}", Number(.faults.len()))]
    Faults {
        /// The recipe.
        path: PathBuf,
        /// What is wrong, by line; never empty.
        faults: Vec<RecipeFault>,
    },
    /// It is written in a way that nothing can be added to without changing what it says.
    #[error("the recipe `{path}` has no place for `{key}`, which is {}", .digest.hex())]
    Unplaced {
        /// The recipe.
        path: PathBuf,
        /// The key.
        key: String,
        /// Its value.
        digest: Digest,
    },
}

/// Something wrong in a recipe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct RecipeFault {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub reason: Reason,
}

/// What is wrong in a line. Keys are named with their section: `archive.sha256`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// It is no TOML; in the words of the parser.
    #[error("{0}")]
    Syntax(String),
    /// A key that is not known.
    #[error(
        "`{key}` is no key of a recipe{}",
        match .nearest { Some(nearest) => format!(", `{nearest}` is"), None => String::new() }
    )]
    Unknown {
        /// The key.
        key: String,
        /// The known key that is most like it.
        nearest: Option<String>,
    },
    /// A value of another kind than the key takes.
    #[error("`{key}` takes {wanted}")]
    Kind {
        /// The key.
        key: String,
        /// What it takes, such as `text in quotes`.
        wanted: &'static str,
    },
    /// A value that the key does not take.
    #[error("`{key}`: {reason}")]
    Value {
        /// The key.
        key: String,
        /// Why not, in one clause.
        reason: String,
    },
    /// A key that must be there.
    #[error("`{key}` is missing: {why}")]
    Missing {
        /// The key.
        key: String,
        /// Why it must be.
        why: &'static str,
    },
}

/// How many faults there are.
struct Number(usize);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.0 == 1 { f.write_str("a fault") } else { write!(f, "{} faults", self.0) }
    }
}
