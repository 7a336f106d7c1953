//! `nginx` before a registry, as many a site has it.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use super::super::process::{Service, tied_command};
use super::{Authority, Prefix};

/// Starts it with its files in `folder`; it hands requests to the registry at `behind`.
pub(super) fn start(
    folder: &Path,
    prefix: Prefix,
    behind: SocketAddr,
    authority: Option<&Authority>,
) -> io::Result<Service> {
    fs::create_dir_all(folder.join("temp"))?;
    Service::start(&folder.join("nginx.log"), |address| {
        let config = folder.join("nginx.conf");
        fs::write(&config, text(folder, prefix, address, behind, authority))?;
        let mut command = tied_command("nginx")?;
        command.arg("-e").arg("stderr").arg("-p").arg(folder).arg("-c").arg(config);
        Ok(command)
    })
}

/// Writes the configuration: one process, in the foreground, nothing outside `folder`.
fn text(
    folder: &Path,
    prefix: Prefix,
    address: SocketAddr,
    behind: SocketAddr,
    authority: Option<&Authority>,
) -> String {
    let folder = folder.display();
    let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("{kind}_temp_path {folder}/temp/{kind};\n"))
        .collect();
    let tls = authority.map_or_else(String::new, |authority| {
        let (chain, key) = (authority.file("server.pem"), authority.file("server.key"));
        format!("ssl_certificate {}; ssl_certificate_key {};\n", chain.display(), key.display())
    });
    let (listen, scheme) = if tls.is_empty() { ("", "http") } else { (" ssl", "https") };
    let places = match prefix {
        Prefix::BeforeApi => format!("location /plant/ {{ proxy_pass http://{behind}; }}"),
        // The registry knows nothing of the word, so that what it says of its own addresses has to be put right.
        Prefix::AfterApi => format!(
            "location = /v2/ {{ proxy_pass http://{behind}; }}
            location /v2/plant/ {{
                proxy_pass http://{behind}/v2/;
                proxy_redirect ~^(?:https?://[^/]+)?/v2/(.*)$ {scheme}://$http_host/v2/plant/$1;
            }}"
        ),
    };
    format!(
        "daemon off;
        master_process off;
        user root;
        pid {folder}/nginx.pid;
        events {{ worker_connections 512; }}
        http {{
            access_log off;
            {temp}
            client_max_body_size 0;
            proxy_request_buffering off;
            proxy_buffering off;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-Proto {scheme};
            server {{
                listen {address}{listen};
                {tls}
                location / {{ return 404; }}
                {places}
            }}
        }}\n"
    )
}
