use std::time::Duration;

use http::{Request, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::sync::watch;

use super::bounded;

const SOCKET: &str = "/var/run/docker.sock";
/// Docker may be slow to answer; the facts do not wait longer.
const LIMIT: Duration = Duration::from_secs(2);
/// The most bytes of an answer; real ones have about a thousand.
const MOST: usize = 64 * 1024;
/// The most bytes of a list of containers; each takes about two thousand.
const MOST_LISTED: usize = 8 << 20;

/// Docker's version, asked for in the background.
#[derive(Debug)]
pub(crate) struct Docker {
    /// `None` until the first answer, which may be that there is no Docker.
    version: watch::Sender<Option<String>>,
}

impl Docker {
    pub(crate) fn new() -> Self {
        Self {
            version: watch::Sender::new(None),
        }
    }

    /// Asks; for a task of its own.
    pub(crate) async fn refresh(&self) {
        let answer = tokio::time::timeout(LIMIT, ask()).await;
        let version = answer.ok().flatten().unwrap_or_default();
        self.version.send_replace(Some(bounded(&version)));
    }

    /// The last answer; waits for the first one.
    pub(crate) async fn version(&self) -> String {
        let mut receiver = self.version.subscribe();
        let answer = receiver.wait_for(Option::is_some).await;
        answer
            .ok()
            .and_then(|version| version.clone())
            .unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct Version {
    #[serde(rename = "Version")]
    version: String,
}

async fn ask() -> Option<String> {
    let version: Version = get("/version", MOST).await?;
    Some(version.version)
}

/// What Docker answers, within the time that anybody waits.
pub(crate) async fn ask_docker<T: DeserializeOwned>(path: &str) -> Option<T> {
    let answer = tokio::time::timeout(LIMIT, get(path, MOST_LISTED)).await;
    answer.ok().flatten()
}

async fn get<T: DeserializeOwned>(path: &str, most: usize) -> Option<T> {
    let stream = UnixStream::connect(SOCKET).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let request = Request::get(path)
        .header(header::HOST, "docker")
        .body(Empty::<Bytes>::new())
        .ok()?;
    let answer = async {
        let response = sender.send_request(request).await.ok()?;
        let body = Limited::new(response.into_body(), most);
        let bytes = body.collect().await.ok()?.to_bytes();
        serde_json::from_slice(&bytes).ok()
    };
    tokio::select! {
        answer = answer => answer,
        _ = connection => None,
    }
}
