//! Answers to whoever asks on the second socket: the owner of the machine, and a new runner.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use super::Service;
use crate::status::Request;

/// For a whole exchange; one at a time.
const LIMIT: Duration = Duration::from_secs(1);
const MOST: u64 = 64;

/// Answers for ever.
pub(super) async fn serve(listener: &UnixListener, service: &Service) {
    loop {
        match listener.accept().await {
            // Who does not ask in time, or goes, gets no answer.
            Ok((stream, _)) => drop(tokio::time::timeout(LIMIT, answer(stream, service)).await),
            Err(error) => {
                tracing::error!(%error, "cannot take a question");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn answer(stream: UnixStream, service: &Service) -> Option<()> {
    let (from, mut to) = stream.into_split();
    let mut line = String::new();
    BufReader::new(from.take(MOST))
        .read_line(&mut line)
        .await
        .ok()?;
    let request: Request = serde_json::from_str(&line).ok()?;
    match request {
        Request::Status => {}
        Request::Retire => service.ask_to_retire(),
        Request::Succeed => service.be_succeeded().await,
    }
    let mut answer = serde_json::to_vec(&service.answer()).ok()?;
    answer.push(b'\n');
    to.write_all(&answer).await.ok()
}
