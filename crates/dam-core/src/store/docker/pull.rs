//! Letting an engine fetch an image from its registry.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use dam_oci::registry::{Credentials, Server};
use serde_json::json;

use super::client::{Answer, Ask};
use super::error::DockerError;
use super::wire::Message;
use super::{DockerStore, messages};
use crate::event::{Event, Reporter};
use crate::store::PullRequest;
use crate::{Error, Result};

/// What Docker calls Docker Hub where somebody logs in.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

impl DockerStore {
    /// Source: <https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Image/operation/ImageCreate>. The `tag` may be a
    /// digest; the image then gets no tag.
    pub(super) fn pull_image(&self, request: &PullRequest, reporter: &dyn Reporter) -> Result<u64> {
        let PullRequest { exact, credentials, platform, total, cancel } = *request;
        let registry = exact.registry().map(|host| format!("{host}/")).unwrap_or_default();
        let what = format!("pull {exact}");
        let digest = exact.digest().ok_or_else(|| Error::NoTag(exact.clone()))?;
        let mut ask = Ask::new(&what, "images/create")
            .with("fromImage", &format!("{registry}{}", exact.repository()))
            .with("tag", &digest.to_string());
        if let Some(platform) = platform {
            ask = ask.with("platform", &platform.to_string());
        }
        reporter.event(Event::Started { what: &what, total: Some(total) });
        let mut layers = Layers { reporter, done: HashMap::new() };
        let posted = match credentials {
            Some(credentials) => {
                let auth = authorization(&Server::of(exact), credentials);
                self.client.post_with(&ask, "X-Registry-Auth", &auth)
            }
            None => self.client.post(&ask),
        };
        let pulled = posted.and_then(Answer::checked).and_then(|answer| {
            messages::read(answer, &mut |message| {
                layers.take(message);
                // The engine gives a pull up when nobody listens any more.
                let stop =
                    || DockerError::BrokeOff { doing: what.clone(), source: std::io::ErrorKind::Interrupted.into() };
                if cancel.is_set() { Err(stop()) } else { Ok(()) }
            })
        });
        reporter.event(Event::Finished);
        cancel.check()?;
        pulled?;
        self.known.doubt();
        Ok(layers.done.values().sum())
    }
}

/// Puts credentials into the form of the header `X-Registry-Auth`: JSON in the base64 of URLs.
///
/// Source: <https://docs.docker.com/reference/api/engine/version/v1.45/#section/Authentication>.
fn authorization(server: &Server, credentials: &Credentials) -> String {
    let address = if server.is_docker_hub() { DOCKER_HUB } else { server.host() };
    let document = match credentials {
        Credentials::Password { username, password } => {
            json!({ "username": username, "password": password.reveal(), "serveraddress": address })
        }
        Credentials::IdentityToken(token) => json!({ "identitytoken": token.reveal(), "serveraddress": address }),
    };
    URL_SAFE.encode(document.to_string())
}

/// Adds up what an engine tells of each layer.
struct Layers<'a> {
    reporter: &'a dyn Reporter,
    /// Bytes of each layer that are told of.
    done: HashMap<String, u64>,
}

impl Layers<'_> {
    fn take(&mut self, message: &Message) {
        let (Some(id), Some("Downloading")) = (&message.id, message.status.as_deref()) else { return };
        let current = message.progress.as_ref().and_then(|progress| u64::try_from(progress.current?).ok());
        let done = self.done.entry(id.clone()).or_default();
        if let Some(bytes) = current.and_then(|current| current.checked_sub(*done)).filter(|bytes| *bytes > 0) {
            *done += bytes;
            self.reporter.event(Event::Advanced { bytes });
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE;
    use dam_oci::registry::{Credentials, Secret};

    use super::authorization;

    #[test]
    fn an_engine_is_told_who_asks() {
        let told = |server: &str, credentials: &Credentials| {
            let header = authorization(&server.parse().expect("a server"), credentials);
            String::from_utf8(URL_SAFE.decode(header).expect("base64")).expect("text")
        };
        let robin = Credentials::Password { username: "robin".to_owned(), password: Secret::new("s3c?et>") };
        assert_eq!(
            told("plant:5000/team", &robin),
            r#"{"username":"robin","password":"s3c?et>","serveraddress":"plant:5000"}"#
        );
        assert_eq!(
            told("docker.io", &Credentials::IdentityToken(Secret::new("t"))),
            r#"{"identitytoken":"t","serveraddress":"https://index.docker.io/v1/"}"#
        );
    }
}
