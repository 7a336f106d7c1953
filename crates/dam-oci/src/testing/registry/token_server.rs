//! A token server, as a registry with `auth: token` wants one.
//!
//! Source: <https://distribution.github.io/distribution/spec/auth/token/> and `oauth/` beside it.

use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_ecdsa_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};

use super::{Answer, Authority, IDENTITY_TOKEN, PASSWORD, Request, ScriptedServer, USER};

/// The name by which the registry is known to it; it has a space, to be encoded by whoever asks.
const SERVICE: &str = "plant registry";
const ISSUER: &str = "token server of the tests";
/// How long a token is good, in seconds.
const LIFETIME: u64 = 300;

/// Gives tokens: to [`USER`] and to whoever has [`IDENTITY_TOKEN`] for everything, to others for pulling from repositories
/// below `public/`. It ends with its value.
pub struct TokenServer {
    server: ScriptedServer,
    key: String,
    chain: String,
    /// Path of the certificate that the registry is to trust.
    bundle: std::path::PathBuf,
}

impl TokenServer {
    /// Starts it with its key in a folder of its own in `folder`.
    pub(super) fn start(folder: &Path) -> io::Result<Self> {
        let folder = folder.join("tokens");
        std::fs::create_dir(&folder)?;
        let authority = Authority::create(&folder)?;
        let identity = authority.server()?;
        let (key, chain) = (identity.key.clone(), identity.chain.clone());
        let server = ScriptedServer::start(move |request, answer| reply(&key, &chain, request, answer))?;
        let bundle = authority.file("authority.pem");
        Ok(Self { server, key: identity.key, chain: identity.chain, bundle })
    }

    /// Returns what was asked so far; credentials are in it.
    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }

    /// Makes a token without being asked.
    pub fn token(&self, scope: &str) -> String {
        sign(&self.key, &self.chain, USER, &granted([scope], true))
    }

    /// Returns the lines below `auth: token:` of the registry's configuration.
    pub(super) fn registry_config(&self) -> String {
        format!(
            "    realm: {}/token\n    service: {SERVICE}\n    issuer: {ISSUER}\n    rootcertbundle: {}\n",
            self.server.url(),
            self.bundle.display()
        )
    }
}

/// Answers a request for a token: `GET` with Basic authentication or anonymously, `POST` as OAuth 2 has it.
fn reply(key: &str, chain: &str, request: &Request, answer: &mut Answer) -> io::Result<()> {
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let body = String::from_utf8_lossy(&request.body);
    let form: Vec<(String, String)> = fields(if request.method == "POST" { &body } else { query });
    let field = |name: &str| form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    let known = match request.method.as_str() {
        _ if path != "/token" || field("service") != SERVICE => return answer.send(400, &[], "{}"),
        "POST" => match field("grant_type") {
            "refresh_token" => Some(field("refresh_token") == IDENTITY_TOKEN),
            "password" => Some(field("username") == USER && field("password") == PASSWORD),
            _ => Some(false),
        },
        _ => request.header("authorization").map(is_user),
    };
    if known == Some(false) {
        return answer.send(
            401,
            &[("content-type", "application/json")],
            r#"{"details":"incorrect username or password"}"#,
        );
    }
    let scopes = form.iter().filter(|(name, _)| name == "scope").flat_map(|(_, value)| value.split(' '));
    let access = granted(scopes, known.is_some());
    let token = sign(key, chain, if known.is_some() { USER } else { "" }, &access);
    let reply = match request.method.as_str() {
        "POST" => json!({ "access_token": token, "expires_in": LIFETIME, "scope": field("scope") }),
        _ => json!({ "token": token, "expires_in": LIFETIME }),
    };
    answer.send(200, &[("content-type", "application/json")], reply.to_string())
}

fn is_user(authorization: &str) -> bool {
    authorization.strip_prefix("Basic ") == Some(&BASE64_STANDARD.encode(format!("{USER}:{PASSWORD}")))
}

/// Says what of some scopes is granted, as the `access` of a token.
fn granted<'a>(scopes: impl IntoIterator<Item = &'a str>, known: bool) -> Value {
    let parts = scopes.into_iter().filter_map(|scope| {
        let (kind, rest) = scope.split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        let public = kind == "repository" && name.starts_with("public/");
        let actions: Vec<&str> = actions.split(',').filter(|action| known || (public && *action == "pull")).collect();
        Some(json!({ "type": kind, "name": name, "actions": actions }))
    });
    parts.collect()
}

/// Takes `a=b&c=d` apart.
fn fields(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter_map(|field| field.split_once('='))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                u8::from_str_radix(&digits, 16).unwrap_or(b'?')
            }
            byte => byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Writes and signs a token: a JWT with ES256 (RFC 7518, section 3.4) that carries the certificate of its key.
fn sign(key: &str, chain: &str, subject: &str, access: &Value) -> String {
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("the key was just made");
    let key = any_ecdsa_type(&key).expect("an ECDSA key");
    let signer = key.choose_scheme(&[SignatureScheme::ECDSA_NISTP256_SHA256]).expect("a key on P-256");
    let certificate = CertificateDer::from_pem_slice(chain.as_bytes()).expect("the certificate was just made");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let header = json!({ "typ": "JWT", "alg": "ES256", "x5c": [BASE64_STANDARD.encode(&certificate)] });
    let claims = json!({
        "iss": ISSUER, "sub": subject, "aud": SERVICE, "jti": "1",
        "exp": now + LIFETIME, "nbf": now - 10, "iat": now, "access": access,
    });
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&header), part(&claims));
    let signature = fixed(&signer.sign(text.as_bytes()).expect("a key that signs"));
    format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

/// Turns a signature from ASN.1, two numbers in a sequence, into two times 32 bytes.
fn fixed(signature: &[u8]) -> [u8; 64] {
    let mut out = [0; 64];
    // 0x30 LENGTH, then 0x02 LENGTH NUMBER twice; numbers are signed, so that a zero may stand before them.
    let mut rest = &signature[2..];
    for half in out.chunks_mut(32) {
        let (number, after) = rest[2..].split_at(usize::from(rest[1]));
        let number = if number.len() > 32 { &number[number.len() - 32..] } else { number };
        half[32 - number.len()..].copy_from_slice(number);
        rest = after;
    }
    out
}
