//! Building a Dockerfile on an engine.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::client::Ask;
use super::error::{DockerError, Result};
use super::trace::Trace;
use super::wire::Message;
use super::{DockerStore, images, messages};
use crate::Error;
use crate::event::{Event, Reporter};
use crate::store::{BuildRequest, Builder, ImageId};

const DOING: &str = "build the image";

impl DockerStore {
    pub(super) fn build_image(&self, request: &BuildRequest, reporter: &dyn Reporter) -> crate::Result<ImageId> {
        let builder = match request.builder {
            // BuildKit without a session cannot read a context into containerd's store: moby/moby#47717.
            Builder::Auto if self.engine.has_containerd_store => Builder::Classic,
            Builder::Auto if self.engine.prefers_buildkit => Builder::BuildKit,
            Builder::Auto => Builder::Classic,
            chosen => chosen,
        };
        let mut output = Output { reporter, line: String::new(), trace: Trace::default(), id: None };
        let answer = self.upload(&ask(request, builder), |out| request.context.write_tar(out)).map_err(failed)?;
        let read = messages::read(answer, &mut |message| output.take(message));
        output.end_line();
        read.map_err(Error::from).map_err(failed)?;
        match (output.id, request.tags.first()) {
            (Some(id), _) => self.confirm(&id),
            (None, Some(tag)) => self.confirm(&images::tagged(tag)),
            (None, None) => Err(DockerError::Build { message: "it named no image".to_owned() }.into()),
        }
    }

    /// Returns the full id of the image that was built; the classic builder of old engines only tells its beginning.
    fn confirm(&self, name: &str) -> crate::Result<ImageId> {
        match self.inspect(name)? {
            Some(image) => Ok(images::read_id(&image.id, DOING)?),
            None => Err(DockerError::Build { message: format!("{name} is not there after the build") }.into()),
        }
    }
}

/// Source of the parameters: <https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Image/operation/ImageBuild>.
fn ask(request: &BuildRequest, builder: Builder) -> Ask {
    let flag = |on: bool| if on { "1" } else { "0" };
    let map = |map: &BTreeMap<String, String>| serde_json::to_string(map).expect("strings are JSON");
    let version = if builder == Builder::BuildKit { "2" } else { "1" };
    let mut ask = Ask::new(DOING, "build").with("version", version).with("dockerfile", &request.dockerfile);
    for tag in &request.tags {
        ask = ask.with("t", &images::tagged(tag));
    }
    if let Some(platform) = &request.platform {
        ask = ask.with("platform", &platform.to_string());
    }
    ask.with("labels", &map(&request.labels))
        .with("buildargs", &map(&request.args))
        .with("nocache", flag(request.no_cache))
        // Containers of steps go away, those of failed ones too.
        .with("rm", "1")
        .with("forcerm", "1")
}

/// What the engine says of a build is said as such; what else can go wrong stays what it is.
fn failed(error: Error) -> Error {
    match error {
        Error::Docker(DockerError::Answered { message, .. }) if message.contains("active session") => {
            DockerError::BuildSession { message }.into()
        }
        Error::Docker(DockerError::Answered { message, .. }) => DockerError::Build { message }.into(),
        other => other,
    }
}

/// What a build prints, on its way to a reporter.
struct Output<'a> {
    reporter: &'a dyn Reporter,
    /// The beginning of a line whose end has not come.
    line: String,
    trace: Trace,
    /// The image, or the beginning of its id.
    id: Option<String>,
}

impl Output<'_> {
    fn take(&mut self, message: &Message) -> Result<()> {
        match (&message.stream, &message.status, &message.aux) {
            (Some(text), _, _) => self.text(text),
            (_, Some(status), _) => self.status(message.id.as_deref(), status),
            (_, _, Some(aux)) if message.id.as_deref() == Some("moby.buildkit.trace") => return self.trace(aux),
            (_, _, Some(aux)) => {
                let id = aux.get("ID").and_then(|id| id.as_str()).map(str::to_owned);
                self.id = id.or(self.id.take());
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        for piece in text.split_inclusive('\n') {
            self.line.push_str(piece);
            if piece.ends_with('\n') {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let line = self.line.trim_end();
        if let Some(id) = line.strip_prefix("Successfully built ") {
            self.id.get_or_insert_with(|| id.to_owned());
        }
        if !line.is_empty() {
            self.reporter.event(Event::BuildLine { line });
        }
        self.line.clear();
    }

    /// Pulling a base prints the same lines over and over; only what changes is passed on.
    fn status(&self, id: Option<&str>, status: &str) {
        if !matches!(status, "Downloading" | "Extracting" | "Waiting") {
            let line = id.map_or_else(|| status.to_owned(), |id| format!("{id}: {status}"));
            self.reporter.event(Event::BuildLine { line: &line });
        }
    }

    fn trace(&mut self, aux: &serde_json::Value) -> Result<()> {
        let garbage = || {
            let source =
                <serde_json::Error as serde::de::Error>::custom("BuildKit's progress is not what it should be");
            DockerError::Garbage { doing: DOING.to_owned(), source }
        };
        let bytes = aux.as_str().and_then(|text| STANDARD.decode(text).ok()).ok_or_else(garbage)?;
        let reporter = self.reporter;
        self.trace.take(&bytes, &mut |line| reporter.event(Event::BuildLine { line })).ok_or_else(garbage)
    }
}
