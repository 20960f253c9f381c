//! A private nginx that serves files of one directory.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::loopback;
use crate::process::Background;

const NGINX: &str = "/usr/sbin/nginx";

/// The packages to install before [`Nginx::start`] can work.
pub(crate) fn missing_packages() -> Vec<&'static str> {
    let is_missing = !Path::new(NGINX).is_file();
    is_missing.then_some("nginx").into_iter().collect()
}

/// A running nginx; dropping it stops the server and removes its files.
pub(crate) struct Nginx {
    // Dropped first: the directory is removed once nothing uses it.
    _server: Background,
    directory: TempDir,
    port: u16,
}

impl Nginx {
    /// Starts it on 127.0.0.1.
    pub(crate) fn start() -> Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("reoclo-nginx-")
            .permissions(Permissions::from_mode(0o755))
            .tempdir_in("/tmp")
            .context("cannot create a directory for nginx")?;
        fs::create_dir(directory.path().join("files"))?;
        let started = loopback::start(
            |port| serve(directory.path(), port),
            |_| Ok(directory.path().join("pid").is_file()),
        );
        let (server, port) = started.with_context(|| {
            let log = fs::read_to_string(directory.path().join("log"));
            format!("cannot start nginx\n{}", log.unwrap_or_default())
        })?;
        println!("nginx answers on 127.0.0.1:{port}");
        Ok(Self {
            _server: server,
            directory,
            port,
        })
    }

    /// The port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The directory whose files it serves.
    pub(crate) fn root(&self) -> PathBuf {
        self.directory.path().join("files")
    }
}

fn serve(directory: &Path, port: u16) -> Result<Background> {
    let configuration = directory.join("nginx.conf");
    fs::write(&configuration, text(directory, port))?;
    let mut command = Command::new(NGINX);
    command
        .arg("-e")
        .arg(directory.join("log"))
        .arg("-c")
        .arg(configuration)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Background::start(&mut command, Signal::TERM)
}

/// As somebody would set it up who wants it to be fast: no log of requests, connections that
/// stay, and a worker for each processor.
fn text(directory: &Path, port: u16) -> String {
    let directory = directory.display();
    format!(
        "daemon off;
worker_processes auto;
pid {directory}/pid;
events {{
    worker_connections 1024;
}}
http {{
    access_log off;
    sendfile on;
    tcp_nodelay on;
    open_file_cache max=10;
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
    client_body_temp_path {directory}/body;
    types {{ application/json json; }}
    server {{
        listen 127.0.0.1:{port};
        root {directory}/files;
    }}
}}
"
    )
}
