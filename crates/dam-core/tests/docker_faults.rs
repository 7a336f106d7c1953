//! What no real engine can be made to do on demand: an engine of a few lines that answers what a test says.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use dam_core::Error;
use dam_core::cache::Cache;
use dam_core::event::Silent;
use dam_core::store::docker::{DockerError, DockerStore, Endpoint, TlsFiles, Unreachable};
use dam_core::store::{ImageId, Store};
use dam_oci::testing::ImageBuilder;
use dam_oci::{Digest, Image};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

/// How the fake answers requests that begin with some text.
#[derive(Clone)]
enum Answer {
    /// Reads the body, then answers.
    Say(u16, &'static str),
    /// Answers before the body has come, and hangs up.
    Interrupt(u16, &'static str),
    /// Reads a little of the body and is gone.
    Vanish,
    /// Answers with less than it promises, and is gone.
    Half(&'static str),
}

/// A fake engine and what it was asked.
struct Fake {
    folder: TempDir,
    asked: Arc<Mutex<Vec<String>>>,
    answers: BTreeMap<&'static str, Answer>,
    version: &'static str,
}

impl Fake {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let answers = BTreeMap::from([
            ("GET /info", Answer::Say(200, r#"{"ServerVersion":"99","DriverStatus":null}"#)),
            ("GET /images/json", Answer::Say(200, "[]")),
        ]);
        Self { folder, asked: Arc::default(), answers, version: "1.45" }
    }

    fn version(mut self, version: &'static str) -> Self {
        self.version = version;
        self
    }

    /// Answers requests for `path`, which is written without its version.
    fn on(mut self, path: &'static str, answer: Answer) -> Self {
        self.answers.insert(path, answer);
        self
    }

    fn connect(&self) -> Result<DockerStore, Error> {
        let socket = self.folder.path().join("s");
        let listener = UnixListener::bind(&socket).expect("a socket");
        let serve = self.server();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.expect("a connection");
                let serve = serve.clone();
                thread::spawn(move || serve(&mut BufReader::new(stream)));
            }
        });
        self.store(Endpoint::Unix(socket))
    }

    fn store(&self, endpoint: Endpoint) -> Result<DockerStore, Error> {
        DockerStore::connect(endpoint, Cache::new(self.folder.path().join("cache"), 1 << 20))
    }

    /// Serves requests of one connection until it ends.
    fn server<S: Read + Write>(&self) -> impl Fn(&mut BufReader<S>) + Clone + Send + use<S> {
        let (asked, answers, version) = (Arc::clone(&self.asked), self.answers.clone(), self.version);
        move |stream| while serve(stream, &asked, &answers, version).is_ok_and(|goes_on| goes_on) {}
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }
}

/// Answers one request; tells whether another may follow.
fn serve<S: Read + Write>(
    stream: &mut BufReader<S>,
    asked: &Mutex<Vec<String>>,
    answers: &BTreeMap<&'static str, Answer>,
    version: &str,
) -> io::Result<bool> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(false);
        }
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_ascii_lowercase());
    }
    let words: Vec<&str> = head[0].split(' ').collect();
    let (method, path) = (words[0].to_uppercase(), words[1]);
    asked.lock().expect("no panic").push(format!("{method} {path}"));
    let plain = path.strip_prefix("/v").and_then(|path| path.split_once('/')).map_or(path, |(_, path)| path);
    let plain = format!("{method} /{}", plain.trim_start_matches('/'));
    let found = answers.iter().rev().find(|(start, _)| plain.starts_with(**start)).map(|(_, answer)| answer.clone());
    let answer =
        found.unwrap_or(Answer::Say(if plain == "GET /_ping" { 200 } else { 404 }, "{\"message\":\"no such thing\"}"));
    let chunked = head.iter().any(|line| line == "transfer-encoding: chunked");
    match answer {
        Answer::Say(status, body) => {
            if chunked {
                read_chunks(stream)?;
            }
            say(stream, version, status, body, body.len())?;
            Ok(true)
        }
        Answer::Interrupt(status, body) => {
            say(stream, version, status, body, body.len())?;
            Ok(false)
        }
        Answer::Vanish => {
            stream.read_exact(&mut [0; 1000])?;
            Ok(false)
        }
        Answer::Half(body) => {
            say(stream, version, 200, body, body.len() + 1)?;
            Ok(false)
        }
    }
}

fn read_chunks(stream: &mut impl BufRead) -> io::Result<()> {
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let size = u64::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
        io::copy(&mut stream.by_ref().take(size + 2), &mut io::sink())?;
        if size == 0 {
            return Ok(());
        }
    }
}

fn say<S: Read + Write>(
    stream: &mut BufReader<S>,
    version: &str,
    status: u16,
    body: &str,
    length: usize,
) -> io::Result<()> {
    let head = format!("HTTP/1.1 {status} X\r\nApi-Version: {version}\r\nContent-Length: {length}\r\n\r\n");
    stream.get_mut().write_all(format!("{head}{body}").as_bytes())?;
    stream.get_mut().flush()
}

fn id() -> ImageId {
    ImageId(Digest::of(b"some image"))
}

/// Loads an image that is larger than every buffer on the way.
fn load(store: &DockerStore) -> DockerError {
    let image = ImageBuilder::app().file("big", 0o644, vec![9; 8 << 20]).build();
    match store.load(&image, &["shop:1".parse().expect("a reference")], &Silent) {
        Err(Error::Docker(error)) => error,
        other => panic!("not an engine's failure: {other:?}"),
    }
}

#[test]
fn every_path_names_the_version_both_know() {
    for (offered, used) in [("1.41", "1.41"), ("1.44", "1.44"), ("1.52", "1.52"), ("1.99", "1.52")] {
        let fake = Fake::new().version(offered).on("GET /images/json", Answer::Say(200, "[]"));
        let store = fake.connect().expect("a connection");
        assert_eq!(store.list().expect("an answer"), []);
        let expected = ["GET /_ping".to_owned(), format!("GET /v{used}/info"), format!("GET /v{used}/images/json")];
        assert_eq!(fake.asked(), expected);
    }
    let error = Fake::new().version("1.12").connect().map(drop).expect_err("an API of 2013");
    assert!(matches!(error, Error::Docker(DockerError::TooOld { .. })), "{error:?}");
}

#[test]
fn an_engine_that_goes_away_breaks_the_load_off() {
    let fake = Fake::new().on("POST /images/load", Answer::Vanish);
    let error = load(&fake.connect().expect("a connection"));
    assert!(matches!(error, DockerError::BrokeOff { .. }), "{error:?}");
    assert!(fake.asked().iter().all(|request| !request.contains("/tag")), "no tag has moved");
}

#[test]
fn an_engine_that_refuses_a_load_is_heard_though_it_stops_listening() {
    let full = r#"{"message":"no space left on device"}"#;
    let fake = Fake::new().on("POST /images/load", Answer::Interrupt(500, full));
    let error = load(&fake.connect().expect("a connection"));
    let DockerError::Answered { status: 500, message, .. } = error else { panic!("{error:?}") };
    assert_eq!(message, "no space left on device");
}

#[test]
fn an_error_inside_the_answer_to_a_load_is_an_error() {
    let failed = "{\"stream\":\"x\"}\n{\"errorDetail\":{\"message\":\"bad layer\"},\"error\":\"bad layer\"}\n";
    let fake = Fake::new().on("POST /images/load", Answer::Say(200, failed));
    let error = load(&fake.connect().expect("a connection"));
    assert!(matches!(error, DockerError::Answered { status: 200, message, .. } if message == "bad layer"));

    let fake = Fake::new().on("POST /images/load", Answer::Say(200, "{\"stream\":\"Loaded image ID: sha256:0\"}\n"));
    let error = load(&fake.connect().expect("a connection"));
    assert!(matches!(error, DockerError::OtherImage { .. }), "the image must be there afterwards: {error:?}");
}

#[test]
fn answers_that_mean_nothing_are_told_from_those_that_break_off() {
    let list = |answer| {
        let fake = Fake::new().on("GET /images/json", answer);
        match fake.connect().expect("a connection").list() {
            Err(Error::Docker(error)) => error,
            other => panic!("not an engine's failure: {other:?}"),
        }
    };
    assert!(matches!(list(Answer::Say(200, "<html>")), DockerError::Garbage { .. }));
    assert!(matches!(list(Answer::Say(200, r#"[{"Id":"new kind of id"}]"#)), DockerError::Garbage { .. }));
    assert!(matches!(list(Answer::Half("[")), DockerError::BrokeOff { .. }));
    let plain = list(Answer::Say(503, "the proxy is tired\n"));
    assert!(matches!(plain, DockerError::Answered { status: 503, message, .. } if message == "the proxy is tired"));
}

#[test]
fn fields_that_are_missing_or_new_do_no_harm() {
    let text =
        r#"{"Id":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","RepoTags":null,"New":[1]}"#;
    let fake = Fake::new().on("GET /images/", Answer::Say(200, text));
    let image = fake.connect().expect("a connection").find_id(id()).expect("an answer").expect("an image");
    assert_eq!((image.tags.len(), image.size, image.created), (0, 0, None));
}

/// Text that lives as long as the test.
fn said(text: String) -> Answer {
    Answer::Say(200, text.leak())
}

#[test]
fn room_is_told_only_of_a_folder_that_is_the_engines() {
    let data = tempfile::tempdir().expect("a folder");
    let room = |root: &Path, extra: &str| {
        let info = format!(r#"{{"ID":"its id","DockerRootDir":"{}"{extra}}}"#, root.display());
        let store = Fake::new().on("GET /info", said(info)).connect().expect("a connection");
        store.room().expect("an answer").map(|room| room.place)
    };
    assert_eq!(room(data.path(), ""), Some(data.path().to_owned()));
    assert_eq!(room(&data.path().join("none"), ""), None);
    assert_eq!(room(Path::new("relative"), ""), None);
    let containerd = r#","DriverStatus":[["driver-type","io.containerd.snapshotter.v1"]]"#;
    assert_eq!(room(data.path(), containerd), None, "where containerd keeps its data is not known");
    fs::create_dir_all(data.path().join("containerd/daemon")).expect("a folder");
    assert_eq!(room(data.path(), containerd), Some(data.path().join("containerd/daemon")));
    fs::write(data.path().join("engine-id"), "its id\n").expect("a file");
    assert_eq!(room(data.path(), ""), Some(data.path().to_owned()));
    fs::write(data.path().join("engine-id"), "another id").expect("a file");
    assert_eq!(room(data.path(), ""), None, "an engine in a chroot may mean another folder");
}

#[test]
fn an_image_in_containerds_store_counts_where_the_engine_says_that_it_is_whole() {
    let image = ImageBuilder::app().file("big", 0o644, vec![9; 8 << 20]).build();
    let id = Digest::of(image.manifest_bytes());
    let layers = |version, manifests: &str| {
        let list = format!(r#"[{{"Id":"{id}"{manifests}}}]"#);
        let info = r#"{"DriverStatus":[["driver-type","io.containerd.snapshotter.v1"]]}"#;
        let fake =
            Fake::new().version(version).on("GET /info", Answer::Say(200, info)).on("GET /images/json", said(list));
        Cache::new(fake.folder.path().join("cache"), 1 << 20).put_manifest(image.manifest_bytes());
        let demand = fake.connect().expect("a connection").demand(&[&image]).expect("an answer");
        demand.images[0].layers_sent
    };
    let available = |value| format!(r#","Manifests":[{{"ID":"{id}","Available":{value}}}]"#);
    // Docker 26 lists whole images only; what an older one lists is not known.
    assert_eq!((layers("1.44", ""), layers("1.45", ""), layers("1.46", "")), (1, 0, 0));
    assert_eq!((layers("1.47", ""), layers("1.47", &available(false)), layers("1.52", &available(true))), (1, 1, 0));
}

#[test]
fn nobody_there_is_said_with_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let cause = |endpoint: Endpoint| {
        let cache = Cache::new(folder.path().join("cache"), 1 << 20);
        match DockerStore::connect(endpoint, cache).map(drop) {
            Err(Error::Docker(DockerError::Unreachable { cause, .. })) => cause,
            other => panic!("not unreachable: {other:?}"),
        }
    };
    let socket = folder.path().join("s");
    assert_eq!(cause(Endpoint::Unix(socket.clone())), Unreachable::NotFound);
    drop(UnixListener::bind(&socket).expect("a socket"));
    assert_eq!(cause(Endpoint::Unix(socket)), Unreachable::Refused);
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    assert_eq!(cause(format!("tcp://127.0.0.1:{port}").parse().expect("an endpoint")), Unreachable::Refused);
}

#[test]
fn a_plain_port_is_as_good_as_a_socket() {
    let fake = Fake::new().on("GET /images/json", Answer::Say(200, "[]"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint: Endpoint = format!("tcp://{}", listener.local_addr().expect("an address")).parse().expect("sound");
    let serve = fake.server();
    thread::spawn(move || listener.incoming().for_each(|stream| serve(&mut BufReader::new(stream.expect("one")))));
    assert_eq!(fake.store(endpoint).expect("a connection").list().expect("an answer"), []);
}

/// Runs `openssl` in a folder.
fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output();
    let output = output.expect("`openssl` is not installed; `make test` installs it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Makes an authority, and a certificate of the engine and one of the client that it signed.
fn certificates(folder: &Path) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(folder, &format!("req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=authority -days 2"));
    fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1").expect("a file");
    for name in ["server", "client"] {
        openssl(folder, &format!("req {key} -keyout {name}.key -out {name}.csr -subj /CN={name}"));
        let sign = format!("x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names");
        openssl(folder, &format!("{sign} -out {name}.pem"));
    }
    fs::rename(folder.join("client.pem"), folder.join("cert.pem")).expect("a file");
    fs::rename(folder.join("client.key"), folder.join("key.pem")).expect("a file");
}

fn server_config(folder: &Path) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificate = |name: &str| CertificateDer::from_pem_file(folder.join(name)).expect("a certificate");
    let mut roots = RootCertStore::empty();
    roots.add(certificate("ca.pem")).expect("a certificate");
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_client_cert_verifier(clients.expect("a verifier"))
        .with_single_cert(
            vec![certificate("server.pem")],
            PrivateKeyDer::from_pem_file(folder.join("server.key")).expect("a key"),
        );
    Arc::new(config.expect("a sound pair"))
}

#[test]
fn tls_needs_the_right_certificates_on_both_sides() {
    let folder = tempfile::tempdir().expect("a folder");
    certificates(folder.path());
    let fake = Fake::new().on("GET /images/json", Answer::Say(200, "[]"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (serve, config) = (fake.server(), server_config(folder.path()));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
            serve(&mut BufReader::new(StreamOwned::new(connection, stream.expect("a connection"))));
        }
    });
    let endpoint = |files| format!("tcp://{address}").parse::<Endpoint>().expect("an endpoint").with_tls(files);
    let files = TlsFiles::in_folder(folder.path());
    assert_eq!(fake.store(endpoint(files.clone())).expect("a connection").list().expect("an answer"), []);

    let stranger = TlsFiles { ca: folder.path().join("server.pem"), ..files.clone() };
    let error = fake.store(endpoint(stranger)).map(drop).expect_err("an authority that signed nothing");
    let handshake =
        |error: &Error| matches!(error, Error::Docker(DockerError::Unreachable { cause: Unreachable::Handshake, .. }));
    assert!(handshake(&error), "{error:?}");
    let none = folder.path().join("none");
    let nobody = TlsFiles { certificate: none.clone(), key: none.clone(), ..files.clone() };
    // In TLS 1.3 a server only says after the handshake that it wants a certificate.
    fake.store(endpoint(nobody)).map(drop).expect_err("no certificate");
    let error = fake.store(endpoint(TlsFiles { ca: none, ..files })).map(drop).expect_err("no such file");
    assert!(matches!(error, Error::Docker(DockerError::Tls(_))), "{error:?}");
}
