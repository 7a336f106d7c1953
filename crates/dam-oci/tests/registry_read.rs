//! Reading from real registries of every kind.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use dam_oci::registry::{Access, Credentials, Network, Proxies, Registry, RegistryFault, Secret, TimeLimits};
use dam_oci::testing::registry::{IDENTITY_TOKEN, Prefix, PrivateRegistry, RegistryBuilder};
use dam_oci::testing::{ImageBuilder, MemoryImage};
use dam_oci::{Descriptor, Digest, Image, Index, Layout, Platform, Reference, media_type, visit_blobs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// An image of several layers, the first of them too large for one piece.
fn image() -> MemoryImage {
    let noise: Vec<u8> =
        (0..3_000_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let app = ImageBuilder::app().label("DAM_APP_FAMILY", "shop");
    let app = app.layer().file("opt/noise", 0o644, noise).layer().file("opt/b", 0o644, "b");
    app.layer().file("opt/c", 0o644, "c").layer().file("opt/d", 0o644, "d").layer().file("opt/e", 0o644, "e").build()
}

fn open(access: Access) -> Registry {
    Registry::open(access, &Network::default()).expect("sound settings")
}

fn amd64() -> Platform {
    "linux/amd64".parse().expect("a platform")
}

fn tags(registry: &Registry, repository: &str) -> Result<Vec<String>, RegistryFault> {
    let mut tags = Vec::new();
    let listed = registry.tags(repository, &mut |tag| {
        tags.push(tag);
        true
    });
    // This registry gives them in the order of its file system.
    tags.sort();
    listed.map(|()| tags).map_err(|error| error.fault)
}

fn catalog(registry: &Registry) -> Result<Vec<String>, RegistryFault> {
    let mut names = Vec::new();
    let listed = registry.catalog(&mut |name| {
        names.push(name);
        true
    });
    listed.map(|()| names).map_err(|error| error.fault)
}

/// Does everything that can be done with a registry, and compares.
fn reads_all(server: &PrivateRegistry, access: Access) {
    let image = image();
    server.put(&image, "shop:1.0").expect("put");
    server.put(&image, "shop:2.0").expect("put");
    let registry = open(access);
    let reference = server.server().reference("shop", Some("1.0")).expect("a name");
    let digest = Digest::of(image.manifest_bytes());

    registry.check().expect("it is there");
    assert_eq!(catalog(&registry).expect("a catalog"), [reference.repository()]);
    assert_eq!(tags(&registry, reference.repository()).expect("tags"), ["1.0", "2.0"]);
    let found = registry.find(&reference).expect("an answer").expect("it is there");
    assert_eq!((found.digest, found.size), (digest, image.manifest_bytes().len() as u64));
    assert_eq!(found.media_type, media_type::MANIFEST);
    let missing = reference.with_tag("3.0").expect("a name");
    assert_eq!(registry.find(&missing).expect("an answer"), None);
    let nothing = registry.image(&missing, &amd64()).expect_err("there is none");
    assert!(matches!(nothing.fault, RegistryFault::NotFound), "{nothing:?}");

    let read = registry.image(&reference.with_digest(digest), &amd64()).expect("an image");
    assert_eq!(read.manifest_bytes(), image.manifest_bytes());
    let mut copy = MemoryImage::copy(&read).expect("sound blobs");
    assert_eq!(copy.blobs_mut(), image.clone().blobs_mut());
    let folder = tempfile::tempdir().expect("a folder");
    let layout = Layout::open_or_create(folder.path()).expect("a layout");
    let mut heard = 0;
    let kept = layout.put_image(&read, &mut |count| heard += count).expect("put");
    assert_eq!(
        (kept.digest, heard),
        (digest, image.manifest().layers.iter().map(|layer| layer.size).sum::<u64>() + image.manifest().config.size)
    );
}

#[test]
fn an_open_registry_is_read() {
    let server = RegistryBuilder::new().start().expect("a registry");
    reads_all(&server, server.access());
}

#[test]
fn a_registry_with_logins_is_read_by_those_it_knows() {
    let server = RegistryBuilder::new().login().start().expect("a registry");
    reads_all(&server, server.access());
    let stranger = open(Access::anonymous(server.server()));
    let error = stranger.check().expect_err("no login");
    assert!(matches!(error.fault, RegistryFault::LoginNeeded { shown: false }), "{error:?}");
    let wrong = Credentials::Password { username: "robin".to_owned(), password: Secret::new("wrong") };
    let error = tags(&open(Access { credentials: Some(wrong), ..server.access() }), "shop").expect_err("wrong");
    assert!(matches!(error, RegistryFault::LoginNeeded { shown: true }), "{error:?}");
}

#[test]
fn a_registry_with_tokens_is_read() {
    let server = RegistryBuilder::new().tokens().start().expect("a registry");
    reads_all(&server, server.access());
    let asked = server.tokens().expect("tokens").requests().len();
    let registry = open(server.access());
    for _ in 0..5 {
        tags(&registry, "shop").expect("tags");
    }
    assert_eq!(server.tokens().expect("tokens").requests().len(), asked + 1, "a token is used until it ends");

    let identity = Credentials::IdentityToken(Secret::new(IDENTITY_TOKEN));
    let known = open(Access { credentials: Some(identity), ..server.access() });
    assert_eq!(tags(&known, "shop").expect("tags"), ["1.0", "2.0"]);
    assert_eq!(catalog(&known).expect("a catalog"), ["shop"]);

    server.put(&image(), "public/shop:1.0").expect("put");
    let stranger = open(Access::anonymous(server.server()));
    assert_eq!(tags(&stranger, "public/shop").expect("tags"), ["1.0"]);
    assert!(matches!(tags(&stranger, "shop"), Err(RegistryFault::LoginNeeded { shown: false })));
    let wrong = Credentials::Password { username: "robin".to_owned(), password: Secret::new("wrong") };
    let wrong = open(Access { credentials: Some(wrong), ..server.access() });
    assert!(matches!(tags(&wrong, "shop"), Err(RegistryFault::LoginNeeded { shown: true })));
}

#[test]
fn tls_by_a_private_authority_is_believed_where_that_is_given() {
    let server = RegistryBuilder::new().tls().login().start().expect("a registry");
    reads_all(&server, server.access());
    let error = open(Access { ca: None, ..server.access() }).check().expect_err("an unknown authority");
    assert!(matches!(error.fault, RegistryFault::UnknownAuthority(_)), "{error:?}");
    open(Access { ca: None, insecure: true, ..server.access() }).check().expect("not compared");
}

#[test]
fn a_client_shows_its_certificate() {
    let server = RegistryBuilder::new().client_certificates().start().expect("a registry");
    reads_all(&server, server.access());
    let error = open(Access { client: None, ..server.access() }).check().expect_err("no certificate");
    assert!(matches!(error.fault, RegistryFault::Tls(_) | RegistryFault::Lost(_)), "{error:?}");
}

#[test]
fn a_prefix_may_stand_before_the_api() {
    let server = RegistryBuilder::new().behind(Prefix::BeforeApi).start().expect("a registry");
    reads_all(&server, server.access());
}

#[test]
fn a_prefix_may_stand_behind_the_api() {
    let server = RegistryBuilder::new().behind(Prefix::AfterApi).start().expect("a registry");
    reads_all(&server, server.access());
}

#[test]
fn pages_are_joined() {
    let server = RegistryBuilder::new().start().expect("a registry");
    let names: Vec<String> = (0..1203).map(|number| format!("team/app{number:04}")).collect();
    for name in &names {
        // All that its catalog looks for.
        let folder = server.data().join("docker/registry/v2/repositories").join(name).join("_layers");
        fs::create_dir_all(folder).expect("created");
    }
    assert_eq!(catalog(&open(server.access())).expect("a catalog"), names);
    let mut first = Vec::new();
    let take_two = &mut |name| {
        first.push(name);
        first.len() < 2
    };
    open(server.access()).catalog(take_two).expect("a catalog");
    assert_eq!(first, names[..2]);
}

#[test]
fn blobs_that_are_wanted_come_in_their_order() {
    let server = PrivateRegistry::start().expect("a registry");
    let image = image();
    server.put(&image, "shop:1.0").expect("put");
    let reference: Reference = server.server().reference("shop", Some("1.0")).expect("a name");
    let read = open(server.access()).image(&reference, &amd64()).expect("an image");
    let wanted = &image.manifest().layers[1..];
    let mut came = BTreeMap::new();
    let mut order = Vec::new();
    visit_blobs(&read, wanted, &mut |blob, reader| {
        order.push(blob.digest);
        came.insert(blob.digest, std::io::copy(reader, &mut std::io::sink()).expect("sound"));
        Ok(())
    })
    .expect("all of them");
    assert_eq!(order, wanted.iter().map(|layer| layer.digest).collect::<Vec<_>>());
    assert_eq!(came, wanted.iter().map(|layer| (layer.digest, layer.size)).collect());
}

/// What `openssl req -x509` makes, as the handbook of Docker's registry has it: a server that is its own authority.
#[test]
fn a_certificate_that_is_its_own_authority_is_believed_where_it_is_given() {
    let certificate = |names: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]);
        openssl.args(["-subj", "/CN=plant", "-keyout", "key", "-out", "certificate"]);
        openssl.args(["-addext", &format!("subjectAltName={names}")]).current_dir(&folder);
        assert!(openssl.output().expect("`openssl` is not installed").status.success());
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("written");
        (read("certificate"), read("key"))
    };
    let (good, key) = certificate("DNS:localhost,IP:127.0.0.1");
    let (other, _) = certificate("DNS:localhost,IP:127.0.0.1");
    let server = tls_server(&good, &key);
    let checked = |server: SocketAddr, ca: Option<&str>| {
        let anonymous = Access::anonymous(format!("https://{server}").parse().expect("an address"));
        open(Access { ca: ca.map(str::to_owned), ..anonymous }).check().map_err(|error| error.fault)
    };
    checked(server, Some(&good)).expect("the very certificate");
    assert!(matches!(checked(server, None), Err(RegistryFault::UnknownAuthority(_))));
    assert!(matches!(checked(server, Some(&other)), Err(RegistryFault::UnknownAuthority(_))));
    let (elsewhere, key) = certificate("DNS:plant");
    let fault = checked(tls_server(&elsewhere, &key), Some(&elsewhere)).expect_err("another name");
    assert!(matches!(fault, RegistryFault::Tls(_)), "{fault:?}");
}

#[test]
fn a_proxy_is_used_but_for_those_it_is_not_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]);
    openssl.args(["-subj", "/CN=plant", "-keyout", "key", "-out", "certificate"]);
    openssl.args(["-addext", "subjectAltName=DNS:registry.invalid"]).current_dir(&folder);
    assert!(openssl.output().expect("`openssl` is not installed").status.success());
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("written");
    let (proxy, heads) = connect_proxy(tls_server(&read("certificate"), &read("key")));
    let access = Access {
        ca: Some(read("certificate")),
        // Only the proxy knows where that is.
        ..Access::anonymous("registry.invalid:5000".parse().expect("an address"))
    };
    let check = |none_for: &str| {
        let https = Some(format!("http://robin:s3cret@{proxy}"));
        let proxies = Proxies { https, http: None, none_for: Some(none_for.to_owned()) };
        let limits = TimeLimits { connect: Duration::from_secs(5), ..TimeLimits::default() };
        Registry::open(access.clone(), &Network { proxies, limits, ..Network::default() }).expect("sound").check()
    };
    check("plant,10.0.0.0/8").expect("by the proxy");
    let head = heads.recv().expect("a request");
    assert!(head.starts_with("CONNECT registry.invalid:5000 HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("Proxy-Authorization: Basic cm9iaW46czNjcmV0\r\n"), "{head}");
    check(".invalid").expect_err("nobody else knows it");
    assert!(heads.try_recv().is_err(), "the proxy was not asked");
}

/// A proxy that leads everywhere to `target`, and says what it was asked.
fn connect_proxy(target: SocketAddr) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("its number");
    let (said, heads) = channel();
    std::thread::spawn(move || {
        for mut near in listener.incoming().map_while(Result::ok) {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                near.read_exact(&mut byte).expect("a request");
                head.push(byte[0]);
            }
            said.send(String::from_utf8_lossy(&head).into_owned()).expect("the test listens");
            near.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").expect("the client listens");
            let far = TcpStream::connect(target).expect("the server listens");
            let (mut near_again, mut far_again) = (near.try_clone().expect("a handle"), far.try_clone().expect("one"));
            let mut far = far;
            std::thread::spawn(move || std::io::copy(&mut near, &mut far));
            std::thread::spawn(move || std::io::copy(&mut far_again, &mut near_again));
        }
    });
    (address, heads)
}

#[test]
fn of_an_index_the_image_of_the_platform_is_given() {
    let server = PrivateRegistry::start().expect("a registry");
    let manifests: Vec<Descriptor> = ["amd64", "arm64"]
        .iter()
        .map(|architecture| {
            let image = ImageBuilder::app().architecture(architecture).build();
            server.put(&image, &format!("shop:{architecture}")).expect("put");
            let descriptor = Descriptor::of(media_type::MANIFEST, image.manifest_bytes());
            Descriptor { platform: format!("linux/{architecture}").parse().ok(), ..descriptor }
        })
        .collect();
    let index = serde_json::to_vec(&Index { manifests: manifests.clone(), ..Index::default() }).expect("JSON");
    let digest = server.put_manifest("shop", "1.0", media_type::INDEX, &index).expect("put");
    let registry = open(server.access());
    let reference = server.server().reference("shop", Some("1.0")).expect("a name");
    let found = registry.find(&reference).expect("an answer").expect("it is there");
    assert_eq!((found.digest, &*found.media_type), (digest, media_type::INDEX));
    for manifest in &manifests {
        let platform = manifest.platform.clone().expect("it was set");
        let image = registry.image(&reference, &platform).expect("an image");
        assert_eq!((image.found.digest, image.descriptor.digest), (digest, manifest.digest));
    }
    let error = registry.image(&reference, &"linux/s390x".parse().expect("a platform")).expect_err("not there");
    assert_eq!(error.fault.to_string(), "it has no image for linux/s390x, only for linux/amd64, linux/arm64");
}

/// Docker's own form of a manifest, as every `docker push` makes it.
#[test]
fn what_docker_pushed_is_read_byte_for_byte() {
    let server = PrivateRegistry::start().expect("a registry");
    server.put(&image(), "shop:1.0").expect("put");
    let name = |tag: &str| format!("docker://{}/shop:{tag}", server.host());
    let mut skopeo = Command::new("skopeo");
    skopeo.args(["copy", "--format", "v2s2", "--src-tls-verify=false", "--dest-tls-verify=false"]);
    let copied = skopeo.args([name("1.0"), name("2.0")]).output().expect("`skopeo` is not installed");
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    let registry = open(server.access());
    let reference = server.server().reference("shop", Some("2.0")).expect("a name");
    let read = registry.image(&reference, &amd64()).expect("an image");
    assert_eq!(read.descriptor.media_type, media_type::DOCKER_MANIFEST);
    assert_eq!(registry.find(&reference).expect("an answer").as_ref(), Some(&read.descriptor));
    let folder = tempfile::tempdir().expect("a folder");
    let layout = Layout::open_or_create(folder.path()).expect("a layout");
    assert_eq!(layout.put_image(&read, &mut |_| {}).expect("put").digest, read.descriptor.digest);
}

/// Answers to greetings over TLS, until the test ends.
fn tls_server(certificate: &str, key: &str) -> SocketAddr {
    let chain = CertificateDer::pem_slice_iter(certificate.as_bytes()).collect::<Result<_, _>>().expect("PEM");
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("PEM");
    let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("usual").with_no_client_auth();
    let config = Arc::new(builder.with_single_cert(chain, key).expect("a pair"));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("its number");
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let connection = ServerConnection::new(Arc::clone(&config)).expect("sound settings");
            let mut stream = StreamOwned::new(connection, stream);
            // Whoever does not believe it goes away.
            while let Ok(1..) = stream.read(&mut [0; 1024]) {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
            }
        }
    });
    address
}
