//! `dam addrepo`, `modifyrepo`, `removerepo` and `listrepos`.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use dam_core::repo::{RepoId, RepoName};
use dam_oci::registry::{Secret, Server};

/// Gives a registry a name, and keeps what it takes to reach it
///
/// The registry is not asked: it may be out of reach from here; `dam listrepos --check` asks it. Files are read now and kept,
/// so they may be on a stick. Passwords of `docker login` and of its credential helpers come before the one that is kept here.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam addrepo --name plant --server registry.plant:5000 --ca plant.pem --username robin
  dam addrepo --name team --server registry.plant:5000/team --default
  pass plant | dam addrepo --name plant --server registry.plant:5000 --username robin --password-stdin
  dam addrepo --name hub-copy --server mirror.plant:5000 --mirror-of docker.io")]
pub(crate) struct Addrepo {
    /// Its name: letters, digits, `_` and `-`
    #[arg(long, value_name = "NAME")]
    pub(crate) name: RepoName,
    /// Where it is: [http://|https://]HOST[:PORT][/PATH]; apps are below the path
    #[arg(long, value_name = "SERVER")]
    pub(crate) server: Server,
    /// Names without a registry belong to it
    #[arg(long, short, overrides_with = "no_default")]
    pub(crate) default: bool,
    #[arg(long, hide = true)]
    no_default: bool,
    /// The user to log in as; on a terminal dam asks for the password
    #[arg(long, value_name = "USER")]
    pub(crate) username: Option<String>,
    #[command(flatten)]
    pub(crate) password: PasswordWord,
    /// Certificates of its authority, PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Certificate that dam shows to it, PEM
    #[arg(long, value_name = "FILE", requires = "client_key")]
    pub(crate) client_cert: Option<PathBuf>,
    /// Key of that certificate, PEM
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    pub(crate) client_key: Option<PathBuf>,
    /// Accepts plain http, and certificates that nobody signed
    #[arg(long, overrides_with = "no_insecure")]
    pub(crate) insecure: bool,
    #[arg(long, hide = true)]
    no_insecure: bool,
    /// The registry it is a mirror of, such as docker.io: it is asked before that one
    #[arg(long, value_name = "SERVER")]
    pub(crate) mirror_of: Option<Server>,
}

/// How a password comes to dam.
#[derive(Debug, Args)]
pub(crate) struct PasswordWord {
    /// Reads the password from standard input
    #[arg(long, conflicts_with = "password")]
    pub(crate) password_stdin: bool,
    /// The password; every user of this machine can see it in `ps`
    #[arg(long, value_name = "PASSWORD", value_parser = secret)]
    pub(crate) password: Option<Secret>,
}

/// Changes what is known of a registry
///
/// What is not named stays as it is, and an empty value takes away: `--username ''` takes the login away, `--ca ''` the
/// authority. Of Docker Hub, repo 1, the default mark, the login and the authority can be changed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam modifyrepo plant --default
  dam modifyrepo plant --ca new-plant.pem
  dam modifyrepo 2 --server registry2.plant:5000
  dam modifyrepo plant --username ''")]
pub(crate) struct Modifyrepo {
    /// The repo, by its number or its name
    #[arg(value_name = "ID|NAME")]
    pub(crate) repo: RepoId,
    /// Its new name
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<RepoName>,
    /// Where it is: [http://|https://]HOST[:PORT][/PATH]
    #[arg(long, value_name = "SERVER")]
    pub(crate) server: Option<Server>,
    /// Names without a registry belong to it
    #[arg(long, short, overrides_with = "no_default")]
    default: bool,
    /// They belong to Docker Hub, if they belonged to it
    #[arg(long, overrides_with = "default")]
    no_default: bool,
    /// The user to log in as; on a terminal dam asks for the password
    #[arg(long, value_name = "USER")]
    pub(crate) username: Option<New<String>>,
    #[command(flatten)]
    pub(crate) password: PasswordWord,
    /// Certificates of its authority, PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<New<PathBuf>>,
    /// Certificate that dam shows to it, PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) client_cert: Option<New<PathBuf>>,
    /// Key of that certificate, PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) client_key: Option<New<PathBuf>>,
    /// Accepts plain http, and certificates that nobody signed
    #[arg(long, overrides_with = "no_insecure")]
    insecure: bool,
    /// Accepts neither
    #[arg(long, overrides_with = "insecure")]
    no_insecure: bool,
    /// The registry it is a mirror of, such as docker.io
    #[arg(long, value_name = "SERVER")]
    pub(crate) mirror_of: Option<New<Server>>,
}

impl Modifyrepo {
    /// Returns whether it is to be the default, if that is said.
    pub(crate) fn is_default(&self) -> Option<bool> {
        (self.default || self.no_default).then_some(self.default)
    }

    /// Returns whether it is to be insecure, if that is said.
    pub(crate) fn insecure(&self) -> Option<bool> {
        (self.insecure || self.no_insecure).then_some(self.insecure)
    }

    /// Tells whether nothing is to be changed.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { name, server, username, password, ca, client_cert, client_key, mirror_of, .. } = self;
        let texts = name.is_some() || server.is_some() || username.is_some() || mirror_of.is_some();
        let files = ca.is_some() || client_cert.is_some() || client_key.is_some();
        let secrets = password.password_stdin || password.password.is_some();
        !(texts || files || secrets || self.is_default().is_some() || self.insecure().is_some())
    }
}

/// Forgets a registry
///
/// What was installed from it stays installed. When the default goes, Docker Hub is the default.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam removerepo plant
  dam removerepo 2 --force")]
pub(crate) struct Removerepo {
    /// The repo, by its number or its name
    #[arg(value_name = "ID|NAME")]
    pub(crate) repo: RepoId,
    /// Removes the default, too
    #[arg(long)]
    pub(crate) force: bool,
}

/// Lists the registries
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam listrepos
  dam listrepos --check
  dam listrepos --check plant
  dam listrepos --raw | cut -d ';' -f 3,4")]
pub(crate) struct Listrepos {
    /// Only these, by number or name
    #[arg(value_name = "ID|NAME")]
    pub(crate) repos: Vec<RepoId>,
    /// Asks each whether it answers, and says what is wrong
    #[arg(long)]
    pub(crate) check: bool,
    /// Rows for scripts, as DAM 1.x: id;def;name;server;username
    #[arg(long, conflicts_with_all = ["json", "check"])]
    pub(crate) raw: bool,
}

/// A new value, or an empty word that takes the old one away.
#[derive(Debug, Clone)]
pub(crate) struct New<T>(pub(crate) Option<T>);

impl<T: FromStr> FromStr for New<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        Ok(Self(if text.is_empty() { None } else { Some(text.parse()?) }))
    }
}

fn secret(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text))
}
