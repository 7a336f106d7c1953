//! A private authority, made with `openssl` when a test wants one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::super::process::find_program;

/// What `openssl req` needs to know. Without sections of its own it marks every certificate as an authority's.
const CONFIG: &str = "\
[req]
distinguished_name = name
prompt = no
[name]
CN = registry test
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
subjectAltName = IP:127.0.0.1, DNS:localhost
extendedKeyUsage = serverAuth
[client]
basicConstraints = critical, CA:FALSE
subjectAltName = DNS:client
extendedKeyUsage = clientAuth
";

/// An authority that nobody trusts of himself. Its files lie in a folder of the test.
pub struct Authority {
    folder: PathBuf,
    /// Its certificate, PEM.
    pub ca: String,
}

/// A certificate and its key, PEM.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate.
    pub chain: String,
    /// The key, PKCS #8.
    pub key: String,
}

impl Authority {
    /// Makes one, with its files in `folder`.
    ///
    /// # Errors
    /// When `openssl` is not installed (`make test` installs it).
    pub fn create(folder: &Path) -> io::Result<Self> {
        fs::write(folder.join("openssl.cnf"), CONFIG)?;
        let mut authority = Self { folder: folder.to_owned(), ca: String::new() };
        authority.ca = authority.certify("authority", false)?.chain;
        Ok(authority)
    }

    /// Makes a certificate for a server on loopback.
    ///
    /// # Errors
    /// Those of [`Authority::create`].
    pub fn server(&self) -> io::Result<Identity> {
        self.certify("server", true)
    }

    /// Makes a certificate for a client.
    ///
    /// # Errors
    /// Those of [`Authority::create`].
    pub fn client(&self) -> io::Result<Identity> {
        self.certify("client", true)
    }

    /// Returns the path of a file: `authority.pem`, `server.pem`, `server.key` and so on.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Makes a key and a certificate of the named section, signed by the authority or by itself.
    fn certify(&self, section: &str, signed: bool) -> io::Result<Identity> {
        let (chain, key) = (self.file(&format!("{section}.pem")), self.file(&format!("{section}.key")));
        let mut command = Command::new(find_program("openssl")?);
        command.args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "3650",
        ]);
        command.args(["-extensions", section, "-subj", &format!("/CN=registry test {section}")]);
        command.arg("-config").arg(self.file("openssl.cnf")).arg("-keyout").arg(&key).arg("-out").arg(&chain);
        if signed {
            command.arg("-CA").arg(self.file("authority.pem")).arg("-CAkey").arg(self.file("authority.key"));
        }
        let output = command.stdin(Stdio::null()).output()?;
        if !output.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        Ok(Identity { chain: fs::read_to_string(chain)?, key: fs::read_to_string(key)? })
    }
}
