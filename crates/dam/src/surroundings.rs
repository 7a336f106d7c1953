//! What dam finds around it: the one place that reads the environment.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use dam_core::ledger::Timestamp;
use dam_core::store::docker::{Endpoint, EndpointSettings};

use crate::args::{Colour, Global, Progress};
use crate::config::{self, Config};
use crate::error::{CliError, Hint};
use crate::invocation::Invocation;
use crate::ui::{Manner, Stream, Ui};

/// Settings of the whole machine.
const MACHINE_CONFIG: &str = "/etc/dam/config.toml";
/// State of the whole machine.
const MACHINE_ROOT: &str = "/var/lib/dam";

/// What dam finds around it, read once.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    /// The environment.
    pub(crate) variables: BTreeMap<OsString, OsString>,
    /// The file this program was started from, absolute; not known where `/proc` is not mounted.
    pub(crate) executable: Option<PathBuf>,
    /// Whether the user is root.
    pub(crate) privileged: bool,
    /// Whether somebody can be asked: stdin is a terminal.
    pub(crate) asks: bool,
    /// Whether answers go to a terminal.
    pub(crate) out_is_terminal: bool,
    /// Whether talk goes to a terminal.
    pub(crate) err_is_terminal: bool,
    /// When it began.
    pub(crate) now: Timestamp,
}

impl Surroundings {
    /// Looks around.
    #[allow(clippy::disallowed_methods)] // here, and nowhere else
    pub(crate) fn capture() -> Self {
        Self {
            variables: std::env::vars_os().collect(),
            // Asked before anything can replace the file: an app may be dam itself.
            executable: std::env::current_exe().ok().and_then(|link| executable(&link)),
            privileged: rustix::process::geteuid().is_root(),
            asks: io::stdin().is_terminal(),
            out_is_terminal: io::stdout().is_terminal(),
            err_is_terminal: io::stderr().is_terminal(),
            now: Timestamp::now(),
        }
    }

    /// Returns a variable; an empty one counts as unset, as POSIX tools have it.
    pub(crate) fn variable(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, CliError> {
        let Some(value) = self.variable(name) else { return Ok(None) };
        let text = value.to_str().ok_or_else(|| CliError::misuse("config", format!("${name} is not text")))?;
        Ok(Some(text.to_owned()))
    }

    fn colour(&self, wish: Colour, terminal: bool) -> bool {
        let dumb = self.variable("TERM").is_some_and(|term| term == "dumb");
        match wish {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => terminal && !dumb && self.variable("NO_COLOR").is_none(),
        }
    }

    /// Returns stdout and stderr.
    pub(crate) fn streams(&self, global: &Global) -> (Stream, Stream) {
        let out = Stream::new(io::stdout(), self.colour(global.color, self.out_is_terminal));
        let err = Stream::new(io::stderr(), self.colour(global.color, self.err_is_terminal));
        (out, err)
    }

    /// Returns the user's side.
    pub(crate) fn ui(&self, global: &Global, invocation: Invocation) -> Ui {
        let manner = Manner {
            json: global.json,
            json_lines: global.progress == Progress::Json,
            quiet: global.quiet,
            debug: global.debug,
        };
        let (out, err) = self.streams(global);
        Ui::new(manner, out, err, self.asks, invocation, self.now)
    }

    /// Returns the settings of files, variables and flags, the latter over the former.
    pub(crate) fn config(&self, global: &Global) -> Result<Config, CliError> {
        let flags = Config { root: global.root.clone(), store: global.store, ..Config::default() };
        let store = |text: String| config::store(&text).map_err(|reason| bad_variable("DAM_STORE", &reason));
        let switch = |text: String| config::switch(&text).map_err(|reason| bad_variable("DAM_OFFLINE", &reason));
        let hub = |text: String| config::hub(&text).map_err(|reason| bad_variable("DAM_DOCKER_HUB", &reason));
        let variables = Config {
            root: self.variable("DAM_ROOT").map(PathBuf::from),
            store: self.text("DAM_STORE")?.map(store).transpose()?,
            docker_host: self.text("DOCKER_HOST")?,
            docker_context: self.text("DOCKER_CONTEXT")?,
            offline: self.text("DAM_OFFLINE")?.map(switch).transpose()?,
            docker_hub: self.text("DAM_DOCKER_HUB")?.map(hub).transpose()?,
        };
        let mut files = Config::default();
        for file in self.config_files() {
            files = Config::read(&file)?.over(files);
        }
        Ok(flags.over(variables).over(files))
    }

    /// Lists the settings files, lowest first. `DAM_CONFIG` names one to read in place of all.
    fn config_files(&self) -> Vec<PathBuf> {
        if let Some(file) = self.variable("DAM_CONFIG") {
            return vec![file.into()];
        }
        let user = self.folder("XDG_CONFIG_HOME", ".config").map(|folder| folder.join("dam/config.toml"));
        std::iter::once(MACHINE_CONFIG.into()).chain(user).collect()
    }

    /// Returns a folder of the XDG base directory specification; a relative one is to be ignored.
    ///
    /// Source: <https://specifications.freedesktop.org/basedir-spec/latest/>.
    pub(crate) fn folder(&self, variable: &str, under_home: &str) -> Option<PathBuf> {
        let named = self.variable(variable).map(PathBuf::from).filter(|folder| folder.is_absolute());
        named.or_else(|| self.variable("HOME").map(|home| Path::new(home).join(under_home)))
    }

    /// Finds the engine that is meant, as `docker` would.
    pub(crate) fn endpoint(&self, config: &Config) -> Result<Option<Endpoint>, CliError> {
        let runtime = self.variable("XDG_RUNTIME_DIR").map(PathBuf::from);
        let of_user = |socket: &str| runtime.iter().map(|folder| folder.join(socket)).collect::<Vec<_>>();
        let sockets = [
            vec![PathBuf::from("/var/run/docker.sock")],
            of_user("docker.sock"),
            of_user("podman/podman.sock"),
            vec![PathBuf::from("/run/podman/podman.sock")],
        ];
        let settings = EndpointSettings {
            docker_host: config.docker_host.clone(),
            docker_context: config.docker_context.clone(),
            tls_verify: self.variable("DOCKER_TLS_VERIFY").is_some(),
            cert_path: self.variable("DOCKER_CERT_PATH").map(PathBuf::from),
            docker_config_dir: self.docker_folder().unwrap_or_default(),
            default_sockets: sockets.concat(),
        };
        Ok(settings.resolve().map_err(dam_core::Error::from)?)
    }

    /// Returns the folder with the settings of `docker`.
    pub(crate) fn docker_folder(&self) -> Option<PathBuf> {
        let own = || self.variable("HOME").map(|home| Path::new(home).join(".docker"));
        self.variable("DOCKER_CONFIG").map(PathBuf::from).or_else(own)
    }

    /// Lists the files with logins: that of `docker login`, and that of `podman login` and its kin.
    ///
    /// Source: <https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md>.
    pub(crate) fn login_files(&self) -> Vec<PathBuf> {
        let docker = self.docker_folder().map(|folder| folder.join("config.json"));
        let runtime = || self.variable("XDG_RUNTIME_DIR").map(|folder| Path::new(folder).join("containers/auth.json"));
        let containers = self.variable("REGISTRY_AUTH_FILE").map(PathBuf::from).or_else(runtime);
        docker.into_iter().chain(containers).collect()
    }

    pub(crate) fn default_root(&self) -> Result<PathBuf, CliError> {
        if self.privileged {
            return Ok(MACHINE_ROOT.into());
        }
        self.folder("XDG_STATE_HOME", ".local/state").map(|folder| folder.join("dam")).ok_or_else(|| {
            CliError::misuse("no-root", "there is no place for dam's state: neither HOME nor XDG_STATE_HOME is set")
                .hint(Hint::Again { before: "", after: "--root DIR", note: "" })
        })
    }
}

/// Reads what the kernel says of the file a program was started from: absolute, except from outside of a changed root, and
/// with a word behind it if the file was removed or replaced since.
///
/// Source: <https://man7.org/linux/man-pages/man5/proc_pid_exe.5.html>.
fn executable(link: &Path) -> Option<PathBuf> {
    let removed = link.as_os_str().as_bytes().strip_suffix(b" (deleted)").filter(|_| !link.exists());
    let path = removed.map_or(link, |path| Path::new(OsStr::from_bytes(path)));
    path.is_absolute().then(|| path.to_owned())
}

pub(crate) fn bad_variable(name: &str, reason: &str) -> CliError {
    CliError::misuse("config", format!("${name} {reason}"))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use dam_core::ledger::Timestamp;

    use super::{Surroundings, executable};
    use crate::args::{Colour, Global, StoreChoice};

    fn with(variables: &[(&str, &str)]) -> Surroundings {
        Surroundings {
            variables: variables.iter().map(|(name, value)| (name.into(), value.into())).collect(),
            executable: None,
            privileged: false,
            asks: false,
            out_is_terminal: true,
            err_is_terminal: true,
            now: Timestamp(0),
        }
    }

    #[test]
    fn the_root_of_a_user_is_in_the_state_folder() {
        let root = |variables: &[_]| with(variables).default_root().map_err(|error| error.kind);
        assert_eq!(root(&[("HOME", "/h")]), Ok(PathBuf::from("/h/.local/state/dam")));
        assert_eq!(root(&[("HOME", "/h"), ("XDG_STATE_HOME", "/s")]), Ok(PathBuf::from("/s/dam")));
        assert_eq!(root(&[("HOME", "/h"), ("XDG_STATE_HOME", "relative")]), Ok(PathBuf::from("/h/.local/state/dam")));
        assert_eq!(root(&[]), Err("no-root"));
        let privileged = Surroundings { privileged: true, ..with(&[("HOME", "/root")]) };
        assert_eq!(privileged.default_root().expect("root needs no home"), Path::new("/var/lib/dam"));
    }

    #[test]
    fn the_program_is_where_it_was_when_it_was_replaced() {
        let path = |text: &str| executable(Path::new(text));
        assert_eq!(path("/opt/dam"), Some(PathBuf::from("/opt/dam")));
        assert_eq!(path("/opt/dam (deleted)"), Some(PathBuf::from("/opt/dam")));
        assert_eq!(path("(unreachable)/opt/dam"), None);
        let folder = tempfile::tempdir().expect("a temp folder");
        let odd = folder.path().join("dam (deleted)");
        std::fs::write(&odd, "").expect("a file");
        assert_eq!(executable(&odd), Some(odd));
    }

    #[test]
    fn flags_beat_variables() {
        let around = with(&[("DAM_ROOT", "/variable"), ("DAM_STORE", "docker"), ("DAM_CONFIG", "/nonexistent")]);
        let flags = Global { root: Some("/flag".into()), ..Global::default() };
        let config = around.config(&flags).expect("good settings");
        assert_eq!((config.root.as_deref(), config.store), (Some(Path::new("/flag")), Some(StoreChoice::Docker)));
    }

    #[test]
    fn the_users_file_is_over_the_machines() {
        let files = with(&[("HOME", "/h")]).config_files();
        assert_eq!(files, [Path::new("/etc/dam/config.toml"), Path::new("/h/.config/dam/config.toml")]);
    }

    #[test]
    fn colour_is_for_terminals_that_want_it() {
        assert!(with(&[]).colour(Colour::Auto, true));
        assert!(!with(&[]).colour(Colour::Auto, false));
        assert!(!with(&[("NO_COLOR", "1")]).colour(Colour::Auto, true));
        assert!(with(&[("NO_COLOR", "")]).colour(Colour::Auto, true));
        assert!(!with(&[("TERM", "dumb")]).colour(Colour::Auto, true));
        assert!(with(&[("NO_COLOR", "1")]).colour(Colour::Always, false));
    }
}
