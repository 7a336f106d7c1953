//! Where things come from: the one place that reads the environment and constructs what commands need.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dam_core::Cancel;
use dam_core::event::Reporter;
use dam_core::ledger::{Ledger, Timestamp};

use crate::args::{Colour, Global, Progress};
use crate::config::{self, Config};
use crate::error::{CliError, Hint};
use crate::invocation::Invocation;
use crate::reporter;
use crate::signals;
use crate::ui::{Manner, Stream, Ui};

/// Settings of the whole machine.
const MACHINE_CONFIG: &str = "/etc/dam/config.toml";
/// State of the whole machine.
const MACHINE_ROOT: &str = "/var/lib/dam";

/// What dam finds around it, read once.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    variables: BTreeMap<OsString, OsString>,
    /// Whether the user is root.
    privileged: bool,
    asks: bool,
    out_is_terminal: bool,
    err_is_terminal: bool,
    now: Timestamp,
}

impl Surroundings {
    /// Looks around.
    #[allow(clippy::disallowed_methods)] // here, and nowhere else
    pub(crate) fn capture() -> Self {
        Self {
            variables: std::env::vars_os().collect(),
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

    fn text(&self, name: &str) -> Result<Option<String>, CliError> {
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
    fn config(&self, global: &Global) -> Result<Config, CliError> {
        let flags = Config { root: global.root.clone(), store: global.store, ..Config::default() };
        let store = |text: String| config::store(&text).map_err(|reason| bad_variable("DAM_STORE", &reason));
        let variables = Config {
            root: self.variable("DAM_ROOT").map(PathBuf::from),
            store: self.text("DAM_STORE")?.map(store).transpose()?,
            docker_host: self.text("DOCKER_HOST")?,
            docker_context: self.text("DOCKER_CONTEXT")?,
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
    fn folder(&self, variable: &str, under_home: &str) -> Option<PathBuf> {
        let named = self.variable(variable).map(PathBuf::from).filter(|folder| folder.is_absolute());
        named.or_else(|| self.variable("HOME").map(|home| Path::new(home).join(under_home)))
    }

    fn default_root(&self) -> Result<PathBuf, CliError> {
        if self.privileged {
            return Ok(MACHINE_ROOT.into());
        }
        self.folder("XDG_STATE_HOME", ".local/state").map(|folder| folder.join("dam")).ok_or_else(|| {
            CliError::misuse("no-root", "there is no place for dam's state: neither HOME nor XDG_STATE_HOME is set")
                .hint(Hint::Again { before: "", after: "--root DIR", note: "" })
        })
    }
}

fn bad_variable(name: &str, reason: &str) -> CliError {
    CliError::misuse("config", format!("${name} {reason}"))
}

/// What a command works with. Everything in it is made when it is first asked for, so that `dam list` never waits for a
/// daemon.
pub(crate) struct Context {
    /// The user's side.
    pub(crate) ui: Arc<Ui>,
    surroundings: Surroundings,
    config: Config,
    progress: Progress,
}

impl Context {
    /// Reads the settings; touches nothing else.
    pub(crate) fn new(global: &Global, surroundings: Surroundings, ui: &Arc<Ui>) -> Result<Self, CliError> {
        let config = surroundings.config(global)?;
        ui.debug(&format!("settings: {config:?}"));
        Ok(Self { ui: Arc::clone(ui), surroundings, config, progress: global.progress })
    }

    /// Returns the folder with dam's state, absolute; it need not be there.
    pub(crate) fn root(&self) -> Result<PathBuf, CliError> {
        let root = match &self.config.root {
            Some(root) => root.clone(),
            None => self.surroundings.default_root()?,
        };
        std::path::absolute(&root).map_err(CliError::access(&root))
    }

    /// Returns the ledger for looking, if there is one; nothing is made.
    pub(crate) fn ledger_if_any(&self) -> Result<Option<Ledger>, CliError> {
        Ok(Ledger::open_existing(&self.root()?)?)
    }

    /// Returns the wish to stop, which from now on is set by Ctrl-C and SIGTERM.
    pub(crate) fn cancel(&self) -> Result<Cancel, CliError> {
        let cancel = Cancel::default();
        signals::watch(&cancel, &self.ui)
            .map_err(|source| CliError::new("signals", "cannot listen to signals").because(&source))?;
        Ok(cancel)
    }

    /// Returns who shows the progress of an op.
    pub(crate) fn reporter(&self) -> Box<dyn Reporter> {
        let ui = Arc::clone(&self.ui);
        let dumb = self.surroundings.variable("TERM").is_none_or(|term| term == "dumb");
        let bars = self.surroundings.err_is_terminal && !dumb && !self.ui.manner().quiet;
        match self.progress {
            Progress::Json => Box::new(reporter::Lines::new(ui)),
            Progress::Auto if bars => Box::new(reporter::Terminal::new(ui)),
            Progress::Auto | Progress::Plain => Box::new(reporter::Plain::new(ui, true)),
            Progress::None => Box::new(reporter::Plain::new(ui, false)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use dam_core::ledger::Timestamp;

    use super::Surroundings;
    use crate::args::{Colour, Global, StoreChoice};

    fn with(variables: &[(&str, &str)]) -> Surroundings {
        Surroundings {
            variables: variables.iter().map(|(name, value)| (name.into(), value.into())).collect(),
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
