//! Dockerfiles as values: stages, instructions, and the lines they stand on.
//!
//! The grammar is read by the crate `parse-dockerfile`; here its result becomes owned, variables are expanded and
//! questions are answered. Reference: <https://docs.docker.com/reference/dockerfile/>.

mod expand;
mod queries;
mod read;
mod scope;
mod words;

pub(crate) use expand::Quotes;
pub(crate) use scope::Scope;

/// A parsed Dockerfile of at least one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dockerfile {
    /// The escape character: a backslash, or a backtick where the `escape` directive says so.
    pub escape: char,
    /// `ARG`s before the first `FROM`.
    pub globals: Vec<Instruction>,
    /// Stages, first to last; the last one is the image.
    pub stages: Vec<Stage>,
}

/// A stage: what it starts from, and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Line of the `FROM`, from 1.
    pub line: usize,
    /// `scratch`, an earlier stage or an image; variables not expanded.
    pub base: String,
    /// Name behind `AS`.
    pub name: Option<String>,
    /// Value of `--platform`, variables not expanded.
    pub platform: Option<String>,
    /// What follows the `FROM`.
    pub instructions: Vec<Instruction>,
}

/// An instruction. Variables in its words are not expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// Line it starts on, from 1.
    pub line: usize,
    /// The instruction as one line, continuations joined and comments left out. Here-documents are not part of it.
    pub text: String,
    /// What it does.
    pub action: Action,
}

/// What an [`Instruction`] does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// `ADD`.
    Add(Transfer),
    /// `ARG`: names, with their defaults.
    Arg(Vec<(String, Option<String>)>),
    /// `CMD`.
    Cmd(Command),
    /// `COPY`.
    Copy(Transfer),
    /// `ENTRYPOINT`.
    Entrypoint(Command),
    /// `ENV`: names and values.
    Env(Vec<(String, String)>),
    /// `EXPOSE`: ports such as `80`, `53/udp`, `8000-8010`.
    Expose(Vec<String>),
    /// `HEALTHCHECK`.
    Healthcheck {
        /// Flags such as `interval`, with their values.
        flags: Flags,
        /// The command, or `None` for `NONE`.
        command: Option<Command>,
    },
    /// `LABEL`: keys and values.
    Label(Vec<(String, String)>),
    /// `MAINTAINER`.
    Maintainer(String),
    /// `ONBUILD`, with anything behind it.
    Onbuild,
    /// `RUN`, with anything behind it.
    Run,
    /// `SHELL`.
    Shell(Vec<String>),
    /// `STOPSIGNAL`.
    Stopsignal(String),
    /// `USER`.
    User(String),
    /// `VOLUME`: paths.
    Volume(Vec<String>),
    /// `WORKDIR`.
    Workdir(String),
}

/// Flags by name without the dashes, in the order they are written.
pub type Flags = Vec<(String, Option<String>)>;

/// What `COPY` and `ADD` have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Flags such as `from`, `chown`, `chmod`.
    pub flags: Flags,
    /// At least one.
    pub sources: Vec<TransferSource>,
    /// Destination.
    pub destination: String,
}

/// A source of `COPY` or `ADD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferSource {
    /// A path, a pattern, or (`ADD`) an address.
    Path(String),
    /// A here-document: a file in the Dockerfile.
    HereDocument {
        /// The delimiter, which is also the file's name.
        name: String,
        /// Whether variables in it are expanded.
        expand: bool,
        /// The file.
        content: String,
    },
}

/// A command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Words, from the JSON form.
    Exec(Vec<String>),
    /// A line for the shell.
    Shell(String),
}

/// Returns `path` as seen from `folder`, without slashes at the ends, without `.` and `..`. The root is empty.
pub(crate) fn resolve(folder: &str, path: &str) -> String {
    let folder = if path.starts_with('/') { "" } else { folder };
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}
