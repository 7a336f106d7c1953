//! Running a container to its end, to see whether an engine can.

use std::io::Read;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::json;

use super::DockerStore;
use super::client::Ask;
use super::error::DockerError;
use super::meta::LABEL;
use super::wire::{ContainerInspect, ContainerState, Created, Info};
use crate::store::ImageId;
use crate::{Cancel, Error, Result};

/// What an engine is and stands on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EngineFacts {
    /// Its version: `26.1.5`.
    pub version: String,
    /// What keeps the layers of images: `overlay2`.
    pub storage_driver: String,
    /// The version of control groups: `2`. Empty for engines before 20.10, which do not say.
    pub cgroup_version: String,
    /// Who makes the control groups: `systemd` or `cgroupfs`.
    pub cgroup_driver: String,
    /// The processor, as the kernel calls it: `x86_64`.
    pub architecture: String,
}

/// A container that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ran {
    /// How its program ended; 0 is well.
    pub status: i64,
    /// What it wrote, at most 64 KiB.
    pub output: String,
}

/// The most output that is kept, in bytes.
const OUTPUT_LIMIT: u64 = 64 << 10;
/// How often a container is looked after.
const TICK: Duration = Duration::from_millis(50);
/// How long an engine may take for one answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

impl DockerStore {
    /// Asks the engine what it is.
    pub fn facts(&self) -> Result<EngineFacts> {
        let info: Info = self.client.get_json(&Ask::new("describe itself", "info").within(ANSWER_LIMIT))?;
        Ok(EngineFacts {
            version: info.server_version,
            storage_driver: info.driver,
            cgroup_version: info.cgroup_version,
            cgroup_driver: info.cgroup_driver,
            architecture: info.architecture,
        })
    }

    /// Runs the command of an image in a container without a network, waits for its end, and removes the container in every
    /// case.
    ///
    /// # Errors
    /// [`DockerError::Answered`] where it does not start, [`DockerError::BrokeOff`] where it does not end within `limit`, and
    /// [`Error::Cancelled`].
    pub fn run_once(&self, id: ImageId, limit: Duration, cancel: &Cancel) -> Result<Ran> {
        let document = json!({
            "Image": id.to_string(),
            "Labels": { LABEL: "smoke" },
            "NetworkDisabled": true,
            "HostConfig": { "NetworkMode": "none" },
        });
        let ask = Ask::new(format!("create a container of {id}"), "containers/create").within(ANSWER_LIMIT);
        let answer = self.client.post_json(&ask, &document)?.found()?.ok_or(Error::NoImage(id))?;
        let container = answer.json::<Created>()?.id;
        let ran = self.run_container(&container, limit, cancel);
        // The first error is the one to tell of.
        let removed = self.remove_helper(&container);
        let ran = ran?;
        removed?;
        Ok(ran)
    }

    fn run_container(&self, container: &str, limit: Duration, cancel: &Cancel) -> Result<Ran> {
        let path = |what: &str| format!("containers/{container}/{what}");
        self.client.post(&Ask::new("start a container", path("start")).within(ANSWER_LIMIT))?.checked()?;
        let state = self.wait_for_end(container, limit, cancel)?;
        if !state.error.is_empty() {
            let doing = "run a container".to_owned();
            return Err(DockerError::Answered { doing, status: 200, message: state.error }.into());
        }
        let ask = Ask::new("show what a container wrote", path("logs")).with("stdout", "1").with("stderr", "1");
        let (doing, mut reader) = self.client.get(&ask.within(ANSWER_LIMIT))?.checked()?.into_reader();
        let output = log(&mut reader).map_err(|source| DockerError::BrokeOff { doing, source })?;
        Ok(Ran { status: state.exit_code, output })
    }

    /// Looks after it again and again: an engine that is asked to wait may never answer.
    fn wait_for_end(&self, container: &str, limit: Duration, cancel: &Cancel) -> Result<ContainerState> {
        let begun = Instant::now();
        loop {
            let ask = Ask::new("say how a container is", format!("containers/{container}/json")).within(ANSWER_LIMIT);
            let state = self.client.get_json::<ContainerInspect>(&ask)?.state;
            if matches!(state.status.as_str(), "exited" | "dead") {
                return Ok(state);
            }
            if begun.elapsed() > limit {
                let doing = "run a container to its end".to_owned();
                return Err(DockerError::BrokeOff { doing, source: std::io::ErrorKind::TimedOut.into() }.into());
            }
            cancel.check()?;
            std::thread::sleep(TICK);
        }
    }
}

/// Reads the frames of a container's output: a byte for the stream, three zeros, and the length before each.
///
/// Source: <https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Container/operation/ContainerAttach>.
fn log(reader: &mut dyn Read) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    reader.take(OUTPUT_LIMIT).read_to_end(&mut bytes)?;
    let (mut text, mut rest) = (Vec::new(), bytes.as_slice());
    while let Some((head, behind)) = rest.split_first_chunk::<8>() {
        let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let (frame, next) = behind.split_at(length.min(behind.len()));
        text.extend_from_slice(frame);
        rest = next;
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::log;

    #[test]
    fn output_comes_in_frames() {
        let frame = |stream: u8, text: &str| [&[stream, 0, 0, 0, 0, 0, 0, text.len() as u8], text.as_bytes()].concat();
        let read = |bytes: &[u8]| log(&mut &bytes[..]).expect("memory");
        assert_eq!(read(&[frame(1, "one\n"), frame(2, "two\n")].concat()), "one\ntwo\n");
        assert_eq!(read(b""), "");
        assert_eq!(read(&frame(1, "cut off")[..11]), "cut");
        assert_eq!(read(&[1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, b'x']), "x");
    }
}
