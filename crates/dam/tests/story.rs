//! What a user can do with registries, word by word as the issue tells it but for the address: a real registry with TLS by
//! its own authority and with logins, and a stand-in for Docker Hub whose images lie in a real registry, too.

mod support;

use std::io::{self, Read, Write};
use std::net::TcpStream;

use dam_oci::testing::ImageBuilder;
use dam_oci::testing::registry::{PASSWORD, PrivateRegistry, RegistryBuilder, Request, ScriptedServer, USER};
use support::Dam;

/// An app whose hooks keep a note of what runs.
fn app(mark: &str) -> ImageBuilder {
    ImageBuilder::new()
        .file("meta/install", 0o755, "#!/bin/sh\nprintf %s \"$DAM_APP_VERSION\" >\"$STATE/$DAM_APP_NAME\"\n")
        .file("meta/uninstall", 0o755, "#!/bin/sh\nrm \"$STATE/$DAM_APP_NAME\"\n")
        .layer()
        .file("mark", 0o644, mark)
}

fn with_images(registry: PrivateRegistry, names: &[&str]) -> PrivateRegistry {
    for name in names {
        registry.put(&app(name).build(), name).expect("put");
    }
    registry
}

/// Answers searches as Docker Hub does, and everything else as the registry behind it.
fn docker_hub(behind: &PrivateRegistry) -> ScriptedServer {
    let host = behind.host();
    let found = r#"{"num_results":1,"num_pages":1,"page":1,"page_size":100,"query":"mongo","results":[{"name":"mongodb","description":"a database","star_count":1,"is_official":true,"is_automated":false}]}"#;
    let server = ScriptedServer::start(move |request, answer| {
        if request.path.starts_with("/v1/search") {
            return answer.send(200, &[("content-type", "application/json")], found);
        }
        answer.close();
        answer.write_all(&forward(&host, request)?)
    });
    server.expect("a server")
}

/// Returns the whole answer of a server to a request.
fn forward(host: &str, request: &Request) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(host)?;
    let accept = request.header("accept").unwrap_or("*/*");
    let Request { method, path, .. } = request;
    write!(stream, "{method} {path} HTTP/1.1\r\nhost: {host}\r\naccept: {accept}\r\nconnection: close\r\n\r\n")?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).map(|_| bytes)
}

#[test]
fn find_fetch_and_feed() {
    let plant = RegistryBuilder::new().login().tls().start().expect("a registry");
    let plant = with_images(plant, &["mongodb:3.6.9", "mongodb:3.6.20", "mongodb:4.0.0-rc1"]);
    let behind = RegistryBuilder::new().start().expect("a registry");
    let behind = with_images(behind, &["library/mongodb:4.2.1", "library/mongodb:4.10.0", "library/mongodb:latest"]);
    let hub = docker_hub(&behind);
    let dam = Dam::new().online().variable("DAM_DOCKER_HUB", &hub.url());
    let dam = dam.file("plant.pem", plant.ca().expect("an authority"));

    let line = format!("addrepo --name plant --server {} --ca plant.pem --username {USER}", plant.host());
    let said = dam.converse(&line, &[("Password of robin at plant: ", PASSWORD)]).screen;
    assert!(said.contains("Added repo 2 plant") && !said.contains(PASSWORD), "{said}");

    // Docker Hub and every private registry at once, versions newest first.
    let said = dam.run("search mongo").success();
    let rows: Vec<Vec<&str>> = said.text().lines().map(|row| row.split_whitespace().collect()).collect();
    assert_eq!(
        rows,
        [vec!["mongodb", "4.10.0,", "4.2.1,", "latest"], vec!["plant/mongodb", "4.0.0-rc1,", "3.6.20,", "3.6.9"]]
    );

    // The newest release, from the default repo.
    let _ = dam.run("install mongodb --yes").success().stdout("Installed mongodb 4.10.0\n");
    assert_eq!(dam.running("mongodb").as_deref(), Some("4.10.0"));

    // Straight from the registry to a file, without any engine on the machine.
    let dam = dam.variable("DAM_STORE", "docker").variable("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    let _ = dam.run("save plant/mongodb:3.6.20 -o mongodb.dam").success();

    // A whole site's registry from a stick.
    let dam = dam.variable("DAM_STORE", "layout");
    let _ = dam.run("export --all site.dam").success();
    let _ = dam.run("push site.dam plant").success();
    let said = dam.run("search mongo --repo plant").success();
    assert!(said.text().starts_with("plant/mongodb") && said.text().contains("4.10.0"), "{}", said.text());
    let _ = dam.run("install plant/mongodb:3.6.20 --dry-run").failure();
    let _ = dam.run("upgrade plant/mongodb:3.6.20 --allow-downgrade --yes").success();
    assert_eq!(dam.running("mongodb").as_deref(), Some("3.6.20"));
}
