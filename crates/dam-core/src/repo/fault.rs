//! What the rules of repos refuse.

use std::path::PathBuf;

use dam_oci::registry::Server;

use super::{RepoId, RepoName};

/// What is wrong with a wish about repos.
#[derive(Debug, thiserror::Error)]
pub enum RepoFault {
    /// Another repo has the name.
    #[error("repo {id} is called `{name}` already")]
    NameTaken {
        /// The name.
        name: RepoName,
        /// The number of the one that has it.
        id: u32,
    },
    /// There is no such repo.
    #[error("there is no repo `{0}`")]
    Unknown(RepoId),
    /// Docker Hub is built in, and this of it stays as it is.
    #[error("repo 1 is Docker Hub: its {what} cannot be changed")]
    BuiltIn {
        /// What was to be changed.
        what: &'static str,
    },
    /// Docker Hub is built in.
    #[error("repo 1 is Docker Hub, which is built in and cannot be removed")]
    Stays,
    /// Names without a registry belong to it.
    #[error("repo `{name}` is the default")]
    IsDefault {
        /// The repo.
        name: RepoName,
    },
    /// A password says nothing without a user.
    #[error("repo `{name}` has no user to whom the password could belong")]
    NoUser {
        /// The repo.
        name: RepoName,
    },
    /// A user name that no registry could tell from its password.
    #[error("`{0}` is no user of a registry: it has a `:` or a control character in it")]
    BadUser(String),
    /// Plain http is nothing that is used unasked.
    #[error("`{server}` is spoken to by plain http, which is not secure")]
    NotSecure {
        /// The server.
        server: Server,
    },
    /// It cannot be its own mirror.
    #[error("`{server}` cannot be a mirror of itself")]
    MirrorOfItself {
        /// The server.
        server: Server,
    },
    /// A client shows a certificate and proves by its key that it is its own.
    #[error("repo `{name}` has only one of a client's certificate and its key")]
    HalfClient {
        /// The repo.
        name: RepoName,
    },
    /// The key is not that of the certificate.
    #[error("the client's key of repo `{name}` does not belong to its certificate")]
    OtherKey {
        /// The repo.
        name: RepoName,
    },
    /// A file is not what it should be.
    #[error("`{path}` holds no {what}, PEM: {reason}")]
    Pem {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// What is wrong.
        reason: String,
    },
}
