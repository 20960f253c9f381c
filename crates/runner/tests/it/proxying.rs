//! A way out that goes through a proxy.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use reoclo_domain::Secret;
use reoclo_runner::{Ambient, EnrolRequestOptions, ProxySettings, RunnerError, enrol};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::ambient::ambient;
use crate::control_plane::ControlPlane;
use crate::reconnecting::tls_for;
use crate::runner::{Runner, TOKEN};

/// A name that only the proxy knows.
const NAME: &str = "reoclo.invalid";

/// A proxy that knows one host, and what it was asked for.
struct Proxy {
    address: std::net::SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// With another answer than a connection, if one is given.
    async fn start(target: std::net::SocketAddr, answer: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::default();
        let noted = Arc::clone(&asked);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, target, answer, Arc::clone(&noted)));
            }
        });
        Self { address, asked }
    }

    fn settings(&self, user: &str) -> ProxySettings {
        ProxySettings {
            proxy: Some((
                "HTTPS_PROXY",
                Secret::new(format!("http://{user}{}", self.address)),
            )),
            except: None,
        }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    target: std::net::SocketAddr,
    answer: Option<&'static str>,
    asked: Arc<Mutex<Vec<String>>>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    asked.lock().unwrap().push(String::from_utf8(head).unwrap());
    if let Some(answer) = answer {
        let _ = stream.write_all(answer.as_bytes()).await;
        return;
    }
    let mut there = TcpStream::connect(target).await.unwrap();
    let ok = b"HTTP/1.1 200 Connection established\r\n\r\n";
    stream.write_all(ok).await.unwrap();
    let _ = copy_bidirectional(&mut stream, &mut there).await;
}

struct Far {
    control_plane: ControlPlane,
    url: String,
    ca_cert: std::path::PathBuf,
    _dir: tempfile::TempDir,
}

async fn far() -> Far {
    let dir = tempfile::tempdir().unwrap();
    let (acceptor, ca_cert) = tls_for(dir.path(), NAME);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let control_plane = ControlPlane::listen(listener, Some(acceptor));
    let url = format!("https://{NAME}:{}", control_plane.address.port());
    Far {
        control_plane,
        url,
        ca_cert,
        _dir: dir,
    }
}

fn request(runner: &Runner) -> EnrolRequestOptions {
    let mut timing = runner.options.timing;
    timing.enrolment = Duration::from_millis(500);
    EnrolRequestOptions {
        data_dir: runner.dir.path().to_owned(),
        url: runner.options.url.clone().unwrap(),
        token: Secret::new(TOKEN),
        ca_cert: runner.options.ca_cert.clone(),
        timing,
    }
}

async fn refused(runner: &Runner, proxy: ProxySettings) -> String {
    let ambient = Ambient { proxy, ..ambient() };
    let error = enrol(request(runner), ambient).await.unwrap_err();
    assert!(
        matches!(error, RunnerError::EnrolledTooLate { .. }),
        "{error}"
    );
    error.to_string()
}

#[tokio::test]
async fn a_runner_enrols_and_connects_through_a_proxy() {
    let mut far = far().await;
    let proxy = Proxy::start(far.control_plane.address, None).await;
    let mut runner = Runner::with_url(&far.url);
    runner.options.ca_cert = Some(far.ca_cert.clone());
    runner.proxy = proxy.settings("me:p%40ss@");
    runner.start();
    let mut client = far.control_plane.runner().await;
    let ended = client.sh("echo through; env").await;
    assert!(ended.text().starts_with("through\n"));
    assert!(
        !ended.text().to_ascii_lowercase().contains("proxy"),
        "{}",
        ended.text()
    );
    let asked = proxy.asked();
    assert_eq!(asked.len(), 2, "once to enrol and once to connect");
    let port = far.control_plane.address.port();
    for head in asked {
        assert!(
            head.starts_with(&format!("CONNECT {NAME}:{port} HTTP/1.1\r\n")),
            "{head}"
        );
        assert!(
            head.to_ascii_lowercase()
                .contains("proxy-authorization: basic "),
            "{head}"
        );
        assert!(head.contains("bWU6cEBzcw=="), "{head}");
    }
    for file in ["runner.json", "state.json"] {
        let text = std::fs::read_to_string(runner.file(file)).unwrap();
        assert!(!text.contains("ss@") && !text.contains("p@ss"), "{text}");
    }
}

#[tokio::test]
async fn what_a_proxy_does_not_allow_is_said() {
    let far = far().await;
    let mut runner = Runner::with_url(&far.url);
    runner.options.ca_cert = Some(far.ca_cert.clone());
    let to = far.control_plane.address;
    let wants = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
    let proxy = Proxy::start(to, Some(wants)).await;
    let said = refused(&runner, proxy.settings("me:wr0ng@")).await;
    assert!(said.contains("wants a user name and a password"), "{said}");
    assert!(!said.contains("wr0ng"), "{said}");
    let never = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
    let proxy = Proxy::start(to, Some(never)).await;
    let said = refused(&runner, proxy.settings("")).await;
    assert!(
        said.contains("403 Forbidden") && said.contains(NAME),
        "{said}"
    );
    let proxy = Proxy::start(to, Some("SSH-2.0-nobody\r\n")).await;
    let said = refused(&runner, proxy.settings("")).await;
    assert!(said.contains("does not speak HTTP"), "{said}");
}

#[tokio::test]
async fn a_control_plane_that_is_excepted_is_reached_without_the_proxy() {
    let dir = tempfile::tempdir().unwrap();
    let (acceptor, ca_cert) = tls_for(dir.path(), "localhost");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut control_plane = ControlPlane::listen(listener, Some(acceptor));
    let proxy = Proxy::start(control_plane.address, None).await;
    let mut runner = Runner::with_url(&format!(
        "https://localhost:{}",
        control_plane.address.port()
    ));
    runner.options.ca_cert = Some(ca_cert);
    runner.proxy = proxy.settings("");
    runner.start();
    control_plane.runner().await;
    assert!(proxy.asked().is_empty());
}

#[tokio::test]
async fn an_authority_that_nobody_knows_comes_with_a_hint() {
    let far = far().await;
    let proxy = Proxy::start(far.control_plane.address, None).await;
    let mut runner = Runner::with_url(&far.url);
    // Some other authority.
    let other = tempfile::tempdir().unwrap();
    runner.options.ca_cert = Some(tls_for(other.path(), NAME).1);
    let said = refused(&runner, proxy.settings("")).await;
    assert!(said.contains("--ca-cert") && said.contains(NAME), "{said}");
}
