//! Fetching an image's `/meta` without exporting the image: from the cache, else through a container.

use std::io::{self, Write};

use serde_json::json;

use super::DockerStore;
use super::client::Ask;
use super::error::{DockerError, Result};
use super::wire::Created;
use crate::Error;
use crate::cache::META_LIMIT;
use crate::store::{ImageId, pump};

/// Label of the containers made here, so that whoever finds one knows what it was for.
pub(super) const LABEL: &str = "dam.helper";

impl DockerStore {
    pub(super) fn copy_meta(&self, id: ImageId, out: &mut dyn Write) -> crate::Result<bool> {
        let Some(tar) = self.cache.meta(id.0) else { return self.fetch_meta(id, out) };
        // The cache knows images that are gone from the engine, too.
        self.inspect(&id.to_string())?.ok_or(Error::NoImage(id))?;
        out.write_all(&tar).map_err(dam_oci::Error::stream(format!("/meta of {id}")))?;
        Ok(true)
    }

    /// Fetches `/meta` out of a container, and keeps it in the cache if it is small.
    fn fetch_meta(&self, id: ImageId, out: &mut dyn Write) -> crate::Result<bool> {
        let mut copy = Copy { out, seen: Some(Vec::new()) };
        let found = self.copy_from_container(id, &mut copy)?;
        if let Some(tar) = copy.seen.filter(|_| found) {
            self.cache.put_meta(id.0, &tar);
        }
        Ok(found)
    }

    fn copy_from_container(&self, id: ImageId, out: &mut dyn Write) -> crate::Result<bool> {
        let container = self.create_helper(id)?;
        let copied = self.copy_folder(&container, id, out);
        // Removed in every case. The first error is the one to tell of.
        let removed = self.remove_helper(&container);
        let copied = copied?;
        removed?;
        Ok(copied)
    }

    /// Creates a container that is never started. An engine wants a command where the image has none, so one is given
    /// that would do nothing. No terminal: it changes nothing here and DAM 1.x only had it by mistake.
    fn create_helper(&self, id: ImageId) -> crate::Result<String> {
        let document = json!({
            "Image": id.to_string(),
            "Entrypoint": ["true"],
            "Cmd": [],
            "Labels": { LABEL: "meta" },
            "NetworkDisabled": true,
            "HostConfig": { "NetworkMode": "none" },
        });
        let ask = Ask::new(format!("create a container of {id}"), "containers/create");
        let answer = self.client.post_json(&ask, &document)?.found()?.ok_or(Error::NoImage(id))?;
        Ok(answer.json::<Created>()?.id)
    }

    fn copy_folder(&self, container: &str, id: ImageId, out: &mut dyn Write) -> crate::Result<bool> {
        let doing = format!("read /meta of {id}");
        let ask = Ask::new(&doing, format!("containers/{container}/archive")).with("path", "/meta");
        let Some(answer) = self.client.get(&ask)?.found()? else { return Ok(false) };
        let (doing, mut reader) = answer.into_reader();
        pump(&mut reader, out).map_err(|source| DockerError::BrokeOff { doing, source })?;
        Ok(true)
    }

    /// Removes such a container with its volumes; one that is gone is no error.
    pub(super) fn remove_helper(&self, container: &str) -> Result<()> {
        let ask = Ask::new(format!("remove container {container}"), format!("containers/{container}"));
        self.client.delete(&ask.with("force", "1").with("v", "1"))?.found().map(drop)
    }
}

/// Passes bytes on and remembers them while they are few.
struct Copy<'a> {
    out: &'a mut dyn Write,
    seen: Option<Vec<u8>>,
}

impl Write for Copy<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.seen = self.seen.take().filter(|seen| seen.len() + count <= META_LIMIT);
        if let Some(seen) = &mut self.seen {
            seen.extend_from_slice(&bytes[..count]);
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
