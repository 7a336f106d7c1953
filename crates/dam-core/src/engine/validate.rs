//! Asking an engine whether it takes its settings, before they are packed.

use std::io::{self, Read, Seek};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Map, Value};

use super::layout::can_validate;
use super::recipe::Recipe;
use super::{BuildError, EngineArchive};

/// Whether an engine was asked about its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Validation {
    /// It takes them.
    Accepted,
    /// It is older than 23.0, which is the first that can be asked.
    TooOld,
    /// It does not run on this machine.
    RunsElsewhere,
}

/// How long an engine may think. It answers in a tenth of a second.
const PATIENCE: Duration = Duration::from_secs(30);

/// The most of an answer that is read, in bytes.
const LONGEST: u64 = 64 << 10;

/// Asks the `dockerd` of an archive: `dockerd --validate --config-file FILE`.
///
/// Source: <https://docs.docker.com/reference/cli/dockerd/#configuration-reload-behavior>.
///
/// # Errors
/// [`BuildError::Settings`] where it refuses them; [`BuildError::Access`] for the temporary files in `scratch`.
pub fn validate(
    recipe: &Recipe,
    engine: &str,
    archive: &EngineArchive,
    settings: &Map<String, Value>,
    scratch: &Path,
) -> Result<Validation, BuildError> {
    if !can_validate(engine) {
        return Ok(Validation::TooOld);
    }
    let Some(dockerd) = archive.file("dockerd") else { return Ok(Validation::RunsElsewhere) };
    if recipe.architecture.name(dam_pack::Format::Rpm) != std::env::consts::ARCH {
        return Ok(Validation::RunsElsewhere);
    }
    let access = || BuildError::access(scratch);
    let mut file = tempfile::Builder::new().prefix("daemon-").suffix(".json").tempfile_in(scratch).map_err(access())?;
    serde_json::to_writer(&mut file, settings).map_err(|error| access()(error.into()))?;
    let mut answer = tempfile::tempfile_in(scratch).map_err(access())?;
    let output = || answer.try_clone().map(Stdio::from);
    let mut command = Command::new(&dockerd.path);
    command.arg("--validate").arg("--config-file").arg(file.path()).stdin(Stdio::null());
    // It also looks for docker-proxy, which is beside it.
    command.env_clear().envs(dockerd.path.parent().map(|folder| ("PATH", folder)));
    command.stdout(output().map_err(access())?).stderr(output().map_err(access())?).process_group(0);
    let is_good = match run(&mut command) {
        Ok(is_good) => is_good,
        // A kernel that does not run the program, or a folder that may hold none.
        Err(error) if matches!(error.raw_os_error(), Some(8 | 13)) => return Ok(Validation::RunsElsewhere),
        Err(error) => return Err(BuildError::access(&dockerd.path)(error)),
    };
    if is_good {
        return Ok(Validation::Accepted);
    }
    let mut said = Vec::new();
    answer.rewind().and_then(|()| answer.take(LONGEST).read_to_end(&mut said)).map_err(access())?;
    let place = file.path().to_string_lossy();
    let said = String::from_utf8_lossy(&said).replace(&*place, "daemon.json");
    Err(BuildError::Settings { said: said.lines().map(str::to_owned).collect() })
}

/// Runs a program, and tells whether it succeeded; one that takes too long is killed and did not.
fn run(command: &mut Command) -> io::Result<bool> {
    let mut child = command.spawn()?;
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if begun.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
