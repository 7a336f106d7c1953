//! Where things come from: the one place that constructs what commands need.

use std::ffi::{OsStr, OsString};
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
use dam_core::store::docker::DockerStore;
use dam_core::store::{Builder, Description, LayoutStore, Store};

use crate::args::{Global, Progress, StoreChoice};
use crate::config::Config;
use crate::error::{CliError, Hint};
use crate::network;
use crate::reporter;
use crate::signals;
use crate::surroundings::{Surroundings, bad_variable};
use crate::ui::Ui;

/// Bytes of compressed layers that are kept to make the next `save` quick.
const CACHE_LIMIT: u64 = 10_000_000_000;
/// Where the built-in store is, below the root.
const LAYOUT: &str = "store";

/// Why no engine was found.
#[derive(Debug, thiserror::Error)]
#[error("DOCKER_HOST is not set, no docker context is chosen, and no usual socket is there")]
struct NoSocket;

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
