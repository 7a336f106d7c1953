//! Where a registry's API is.

use std::sync::PoisonError;

use ureq::http::{StatusCode, Uri};

use super::ask::{Ask, Client, Told};
use super::{RegistryFault, Scheme, Server};

/// Docker Hub's API.
const DOCKER_HUB: &str = "https://registry-1.docker.io";
/// Docker Hub's search.
const DOCKER_HUB_SEARCH: &str = "https://index.docker.io";

/// The address of an API that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base {
    /// URL up to `/v2/`.
    root: String,
    /// Path that image names have and the API does not, as it is below that path itself.
    hidden: Option<String>,
}

impl Base {
    /// Returns an address of the API itself: `path` is what comes behind `/v2/`.
    pub(super) fn url(&self, path: &str) -> Told<Uri> {
        address(&format!("{}/v2/{path}", self.root))
    }

    /// Returns what the registry itself calls a repository.
    pub(super) fn inner_name<'a>(&self, repository: &'a str) -> &'a str {
        let below = |hidden: &String| repository.strip_prefix(&**hidden)?.strip_prefix('/');
        self.hidden.as_ref().and_then(below).unwrap_or(repository)
    }

    /// Returns what images are named after, of what the registry itself calls a repository.
    pub(super) fn outer_name(&self, name: &str) -> String {
        self.hidden.as_ref().map_or_else(|| name.to_owned(), |hidden| format!("{hidden}/{name}"))
    }
}

impl Client {
    /// Returns where the API is. It is asked for once; how the registry refuses strangers is learned with it.
    pub(super) fn base(&self) -> Told<Base> {
        let mut known = self.base.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(base) = &*known {
            return Ok(base.clone());
        }
        let base = self.find_base()?;
        *known = Some(base.clone());
        Ok(base)
    }

    fn find_base(&self) -> Told<Base> {
        let mut failed = None;
        for root in roots(&self.access)? {
            let plain_next = failed.is_none();
            match self.probe(&root) {
                Ok(base) => return Ok(base),
                // An answer in plain http, or a connection that is closed at once, is what https gets from such a server.
                Err(fault @ (RegistryFault::PlainHttp | RegistryFault::Lost(_) | RegistryFault::Unreachable(_)))
                    if plain_next =>
                {
                    failed = Some(fault);
                }
                Err(fault) => {
                    return Err(failed.filter(|_| matches!(fault, RegistryFault::Unreachable(_))).unwrap_or(fault));
                }
            }
        }
        Err(failed.expect("there is a root, and each gives a base or a fault"))
    }

    /// Looks whether an API is below `root`: at its host, or where that has none, below the server's path.
    fn probe(&self, root: &str) -> Told<Base> {
        let at_host = Base { root: root.to_owned(), hidden: None };
        let path = self.access.server.path();
        if self.greet(&at_host)? != StatusCode::NOT_FOUND || path.is_empty() {
            return Ok(at_host);
        }
        let below = Base { root: format!("{root}/{path}"), hidden: Some(path.to_owned()) };
        Ok(if self.greet(&below)? == StatusCode::NOT_FOUND { at_host } else { below })
    }

    /// Asks for `/v2/` as a stranger.
    fn greet(&self, base: &Base) -> Told<StatusCode> {
        let ask = Ask::get(base.url("")?, "");
        let answer = self.patiently(|fault| matches!(fault, RegistryFault::Lost(_)), || self.follow(&ask, None))?;
        let status = answer.head.status();
        if status == StatusCode::UNAUTHORIZED {
            self.tokens.learn(self, &answer, "", false);
        }
        self.drain(answer);
        Ok(status)
    }

    /// Asks for `/v2/` with whatever login there is.
    pub(super) fn check(&self) -> Told<()> {
        let answer = self.ask(&Ask::get(self.base()?.url("")?, ""))?;
        let web = answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
        self.drain(answer);
        if web { Err(RegistryFault::Nonsense("it is a web page, and no registry".to_owned())) } else { Ok(()) }
    }

    /// Returns where Docker Hub's search is.
    pub(super) fn search_root(&self) -> Told<String> {
        match &self.access.api {
            Some(_) => Ok(roots(&self.access)?.swap_remove(0)),
            None => Ok(DOCKER_HUB_SEARCH.to_owned()),
        }
    }

    /// Returns what Docker Hub, or another registry, calls a repository in its API.
    pub(super) fn full_name(&self, repository: &str) -> Told<String> {
        let base = self.base()?;
        let name = base.inner_name(repository);
        let official = self.access.server.is_docker_hub() && !name.contains('/');
        Ok(if official { format!("library/{name}") } else { name.to_owned() })
    }
}

/// Returns where the API may be, the best first: URLs of hosts, without a slash at their ends.
fn roots(access: &super::Access) -> Told<Vec<String>> {
    let server = &access.server;
    let plain_is_fine = access.insecure || server.is_loopback();
    let host = server.host();
    let (plain, secure) = (format!("http://{host}"), format!("https://{host}"));
    if let Some(api) = &access.api {
        let url = address(api)?;
        let may = url.scheme_str() == Some("https") || access.insecure || is_loopback(&url);
        return if may { Ok(vec![api.trim_end_matches('/').to_owned()]) } else { Err(RegistryFault::PlainHttp) };
    }
    match server.scheme() {
        _ if server.is_docker_hub() => Ok(vec![DOCKER_HUB.to_owned()]),
        Some(Scheme::Http) if plain_is_fine => Ok(vec![plain]),
        Some(Scheme::Http) => Err(RegistryFault::PlainHttp),
        None if plain_is_fine => Ok(vec![secure, plain]),
        Some(Scheme::Https) | None => Ok(vec![secure]),
    }
}

/// Tells whether an address is of this machine.
pub(super) fn is_loopback(url: &Uri) -> bool {
    let host = url.authority().map(|authority| authority.as_str().rsplit('@').next().unwrap_or_default());
    let server: Option<Server> = host.and_then(|host| format!("{host}/x").parse().ok());
    server.is_some_and(|server| server.is_loopback())
}

fn address(text: &str) -> Told<Uri> {
    text.parse().map_err(|_| RegistryFault::Unusable { what: "the address", reason: format!("`{text}` is no URL") })
}
