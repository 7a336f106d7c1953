//! Where things come from: the one place that reads the environment and constructs what commands need.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use dam_core::Cancel;
use dam_core::cache::Cache;
use dam_core::engine::Inputs;
use dam_core::event::Reporter;
use dam_core::hooks::ProcessHooks;
use dam_core::host::{Host, LockedLedger, Scratch, private_folder};
use dam_core::ledger::{Ledger, Timestamp};
use dam_core::legacy;
use dam_core::plan::{self, Options};
use dam_core::repo::{DockerLogins, Registries, Repo};
use dam_core::store::docker::{DockerStore, Endpoint, EndpointSettings};
use dam_core::store::{Builder, Description, LayoutStore, Store};

use crate::args::{Colour, Global, Progress, StoreChoice};
use crate::config::{self, Config};
use crate::error::{CliError, Hint};
use crate::invocation::Invocation;
use crate::network;
use crate::reporter;
use crate::signals;
use crate::ui::{Manner, Stream, Ui};

/// Settings of the whole machine.
const MACHINE_CONFIG: &str = "/etc/dam/config.toml";
/// Bytes of compressed layers that are kept to make the next `save` quick.
const CACHE_LIMIT: u64 = 10_000_000_000;
/// Where the built-in store is, below the root.
const LAYOUT: &str = "store";
/// State of the whole machine.
const MACHINE_ROOT: &str = "/var/lib/dam";

/// What dam finds around it, read once.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    variables: BTreeMap<OsString, OsString>,
    /// The file this program was started from, absolute; not known where `/proc` is not mounted.
    executable: Option<PathBuf>,
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
    fn folder(&self, variable: &str, under_home: &str) -> Option<PathBuf> {
        let named = self.variable(variable).map(PathBuf::from).filter(|folder| folder.is_absolute());
        named.or_else(|| self.variable("HOME").map(|home| Path::new(home).join(under_home)))
    }

    /// Finds the engine that is meant, as `docker` would.
    fn endpoint(&self, config: &Config) -> Result<Option<Endpoint>, CliError> {
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
    fn docker_folder(&self) -> Option<PathBuf> {
        let own = || self.variable("HOME").map(|home| Path::new(home).join(".docker"));
        self.variable("DOCKER_CONFIG").map(PathBuf::from).or_else(own)
    }

    /// Lists the files with logins: that of `docker login`, and that of `podman login` and its kin.
    ///
    /// Source: <https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md>.
    fn login_files(&self) -> Vec<PathBuf> {
        let docker = self.docker_folder().map(|folder| folder.join("config.json"));
        let runtime = || self.variable("XDG_RUNTIME_DIR").map(|folder| Path::new(folder).join("containers/auth.json"));
        let containers = self.variable("REGISTRY_AUTH_FILE").map(PathBuf::from).or_else(runtime);
        docker.into_iter().chain(containers).collect()
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

/// Reads what the kernel says of the file a program was started from: absolute, except from outside of a changed root, and
/// with a word behind it if the file was removed or replaced since.
///
/// Source: <https://man7.org/linux/man-pages/man5/proc_pid_exe.5.html>.
fn executable(link: &Path) -> Option<PathBuf> {
    let removed = link.as_os_str().as_bytes().strip_suffix(b" (deleted)").filter(|_| !link.exists());
    let path = removed.map_or(link, |path| Path::new(OsStr::from_bytes(path)));
    path.is_absolute().then(|| path.to_owned())
}

/// Why no engine was found.
#[derive(Debug, thiserror::Error)]
#[error("DOCKER_HOST is not set, no docker context is chosen, and no usual socket is there")]
struct NoSocket;

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
    changing: Arc<AtomicBool>,
    cache: OnceLock<Cache>,
}

impl Context {
    /// Reads the settings; touches nothing else.
    pub(crate) fn new(global: &Global, surroundings: Surroundings, ui: &Arc<Ui>) -> Result<Self, CliError> {
        let config = surroundings.config(global)?;
        #[cfg(feature = "fault-points")]
        if let Some(skip) = surroundings.text("DAM_FAULT")?.and_then(|skip| skip.parse().ok()) {
            dam_core::fault::arm(skip);
        }
        ui.debug(&format!("settings: {config}"));
        let (ui, progress) = (Arc::clone(ui), global.progress);
        Ok(Self { ui, surroundings, config, progress, changing: Arc::default(), cache: OnceLock::new() })
    }

    /// Tells whether the answer goes to a terminal.
    pub(crate) fn answers_on_terminal(&self) -> bool {
        self.surroundings.out_is_terminal
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

    /// Returns where images live: an engine if the settings name one or there is a socket, else the built-in store. Where
    /// nobody said so and dam chose, it says which.
    pub(crate) fn store(&self) -> Result<Box<dyn Store>, CliError> {
        let store: Box<dyn Store> = match self.engine()? {
            Some(engine) => Box::new(engine),
            None => Box::new(LayoutStore::open(&self.private_root()?.join(LAYOUT))?),
        };
        let Description { kind, version, place, .. } = store.describe();
        let status = match kind {
            "layout" => format!("Using the built-in store at {place}"),
            _ => format!("Using {kind} {version} at {place}"),
        };
        match self.config.names_a_store() {
            true => self.ui.debug(&status),
            false => self.ui.status(&status),
        }
        Ok(store)
    }

    /// Describes what [`Context::store`] would return; nothing is made.
    pub(crate) fn look_at_store(&self) -> Result<Description, CliError> {
        match self.engine()? {
            Some(engine) => Ok(engine.describe()),
            None => Ok(LayoutStore::look(&self.root()?.join(LAYOUT))?),
        }
    }

    /// Returns the engine, if the settings name one or there is a socket. One that is there but does not answer is an
    /// error, never a silent switch.
    fn engine(&self) -> Result<Option<DockerStore>, CliError> {
        let choice = self.config.store.unwrap_or_default();
        let endpoint = match choice {
            StoreChoice::Layout => None,
            StoreChoice::Auto | StoreChoice::Docker => self.surroundings.endpoint(&self.config)?,
        };
        match (choice, endpoint) {
            (_, Some(endpoint)) => Ok(Some(DockerStore::connect(endpoint, self.cache()?)?)),
            (StoreChoice::Docker, None) => Err(CliError::new("no-engine", "there is no container engine here")
                .because(&NoSocket)
                .hint(Hint::Command("dam doctor".into(), "checks this machine"))),
            (_, None) => Ok(None),
        }
    }

    /// Returns the cache of compressed layers, which need not be there.
    pub(crate) fn cache(&self) -> Result<Cache, CliError> {
        let cache = Cache::new(self.root()?.join("cache"), CACHE_LIMIT);
        // One for all: who spares what is in it spares it for the store, too.
        Ok(self.cache.get_or_init(|| cache).clone())
    }

    /// Returns the files of recipes; what they name by URL is kept beside the caches.
    pub(crate) fn inputs(&self, cancel: &Cancel) -> Result<Inputs, CliError> {
        let folder = self.private_root()?.join("cache/downloads");
        let inputs = Inputs::new(folder, network::network(&self.surroundings, cancel));
        Ok(inputs.offline(self.config.offline.unwrap_or_default()))
    }

    /// Returns the repos of this machine and the way to their registries. A look: nothing is made.
    pub(crate) fn registries(&self, cancel: &Cancel) -> Result<Registries, CliError> {
        let network = network::network(&self.surroundings, cancel);
        let repos = match self.ledger_if_any()? {
            Some(ledger) => ledger.repos()?,
            None => Vec::new(),
        };
        let logins = DockerLogins::new(self.surroundings.login_files(), self.path(), cancel.clone());
        let Config { offline, docker_hub, .. } = &self.config;
        let registries = Registries::new(repos, Box::new(logins), network);
        Ok(registries.with_hub(docker_hub.clone()).offline(offline.unwrap_or_default()))
    }

    /// Returns the repos as far as they can be known, for the hints of an error.
    pub(crate) fn known_repos(&self) -> Vec<Repo> {
        let repos = self.ledger_if_any().ok().flatten().and_then(|ledger| ledger.repos().ok());
        repos.unwrap_or_else(|| vec![Repo::docker_hub()])
    }

    /// Opens the ledger for a change that needs no store, once nobody else changes anything.
    pub(crate) fn ledger(&self, cancel: &Cancel, reporter: &dyn Reporter) -> Result<LockedLedger, CliError> {
        Ok(LockedLedger::open(&self.root()?, cancel, reporter)?)
    }

    /// Returns a folder for temporary files that ends with the value.
    pub(crate) fn scratch(&self) -> Result<Scratch, CliError> {
        Ok(Scratch::new(&self.private_root()?)?)
    }

    /// Returns the folder with dam's state, made if it is not there.
    fn private_root(&self) -> Result<PathBuf, CliError> {
        let root = self.root()?;
        private_folder(&root)?;
        Ok(root)
    }

    /// Opens this machine for a change: takes the lock, and finishes or undoes what an earlier dam left half done.
    pub(crate) fn host(&self, cancel: &Cancel, reporter: &dyn Reporter) -> Result<Host, CliError> {
        let mut host = self.machine(cancel, reporter)?;
        self.recover(&mut host, reporter)?;
        Ok(host)
    }

    /// Opens this machine for a change, and leaves what is half done as it is, for [`Context::recover`].
    pub(crate) fn machine(&self, cancel: &Cancel, reporter: &dyn Reporter) -> Result<Host, CliError> {
        let store = self.store()?;
        let root = self.private_root()?;
        let Surroundings { variables, executable, .. } = &self.surroundings;
        let hooks = ProcessHooks::open(&root)?
            .with_variables(variables.keys().map(|name| &**name))
            .with_executable(executable.clone());
        let hooks = Box::new(hooks);
        Ok(Host::open(&root, store, hooks, cancel.clone(), reporter)?)
    }

    /// Finishes or undoes what an earlier dam left half done.
    pub(crate) fn recover(&self, host: &mut Host, reporter: &dyn Reporter) -> Result<(), CliError> {
        self.begin_change();
        let recovered = plan::recover(host, &self.hook_options(), reporter)?;
        self.changing.store(false, Ordering::SeqCst);
        if let Some(recovered) = recovered {
            for fault in recovered.faults {
                self.ui.warning(&format!("undoing the {}: {fault}", recovered.title));
            }
        }
        Ok(())
    }

    /// Returns how hooks run here.
    pub(crate) fn hook_options(&self) -> Options {
        Options { terminal: self.surroundings.asks, ..Options::default() }
    }

    /// Returns the variables of the user's shell, as far as they are text.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let text =
            |(name, value): (&OsString, &OsString)| Some((name.to_str()?.to_owned(), value.to_str()?.to_owned()));
        self.surroundings.variables.iter().filter_map(text).collect()
    }

    /// Returns a variable of the user's shell; an empty one counts as unset.
    pub(crate) fn variable(&self, name: &str) -> Option<&OsStr> {
        self.surroundings.variable(name)
    }

    /// Tells whether the user is root, who needs no `sudo`.
    pub(crate) fn is_privileged(&self) -> bool {
        self.surroundings.privileged
    }

    /// Returns the date of what is made, in seconds since 1970, if the user says one:
    /// <https://reproducible-builds.org/specs/source-date-epoch/>.
    pub(crate) fn source_date(&self) -> Result<Option<u32>, CliError> {
        let Some(text) = self.surroundings.text("SOURCE_DATE_EPOCH")? else { return Ok(None) };
        let fault = |_| bad_variable("SOURCE_DATE_EPOCH", "is no number of seconds since 1970");
        text.parse().map(Some).map_err(fault)
    }

    /// Returns the file this program was started from, if it is known.
    pub(crate) fn executable(&self) -> Option<&Path> {
        self.surroundings.executable.as_deref()
    }

    /// Returns what the clock said when dam began.
    pub(crate) fn now(&self) -> Timestamp {
        self.surroundings.now
    }

    /// Returns the folders programs are looked for in.
    pub(crate) fn path(&self) -> Vec<PathBuf> {
        self.surroundings.variable("PATH").map(|path| std::env::split_paths(path).collect()).unwrap_or_default()
    }

    /// Returns the folder where DAM 1.x has its database.
    pub(crate) fn legacy_folder(&self) -> Option<PathBuf> {
        self.surroundings.folder("XDG_CACHE_HOME", ".cache").map(|folder| folder.join("dam"))
    }

    /// Tells whether DAM 1.x has installed apps here.
    pub(crate) fn has_legacy(&self) -> bool {
        self.legacy_folder().is_some_and(|folder| legacy::has_apps(&folder))
    }

    /// Returns the builder that `DOCKER_BUILDKIT` asks for, as `docker build` reads it.
    pub(crate) fn builder(&self) -> Builder {
        match self.surroundings.variable("DOCKER_BUILDKIT").and_then(OsStr::to_str) {
            None => Builder::Auto,
            Some("0" | "false") => Builder::Classic,
            Some(_) => Builder::BuildKit,
        }
    }

    /// Notes that from now on the machine is being changed: dam then ends only when that is done or undone.
    pub(crate) fn begin_change(&self) {
        self.changing.store(true, Ordering::SeqCst);
    }

    /// Returns the wish to stop, which from now on is set by Ctrl-C, SIGTERM and the end of the terminal.
    pub(crate) fn cancel(&self) -> Result<Cancel, CliError> {
        let cancel = Cancel::default();
        signals::watch(&cancel, &self.changing, &self.ui)
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
