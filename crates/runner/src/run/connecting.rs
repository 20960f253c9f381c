//! From nothing to a connection on which the control plane has said welcome.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::StatusCode;
use reoclo_wire::byte_stream::MESSAGE_BYTES;
use reoclo_wire::handshake::{
    self, CONNECT_PATH, Challenge, CloseCode, Proof, UpgradeFailure, Welcome,
};
use ring::signature::Ed25519KeyPair;
use serde::de::DeserializeOwned;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::{Runner, RunnerError, State};
use crate::dial::{DialError, Dialer, Io};
use crate::enrolled::Enrolled;
use crate::retry_after::retry_after;
use crate::status::Phase;
use crate::supervisor_process::NoSupervisor;
use crate::upgrade;

/// The WebSocket to the control plane.
pub(super) type Socket = WebSocketStream<Box<dyn Io>>;

/// The largest message that is taken.
const MOST: usize = 1 << 20;
/// What an idle connection holds in each direction.
const BUFFER: usize = 16 * 1024;

/// An attempt did not lead to a connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error("the control plane answered {status}")]
    Answered {
        status: StatusCode,
        retry_after: Option<Duration>,
    },
    #[error("no WebSocket with the control plane")]
    WebSocket(#[source] Box<Error>),
    #[error("the control plane closed the connection: {reason}")]
    Closed {
        code: Option<CloseCode>,
        reason: String,
    },
    #[error("the control plane sent something that is not part of the handshake")]
    Unexpected,
    #[error("the control plane does not go on with the handshake")]
    Silent,
    #[error("another control plane ({0}) answered")]
    OtherControlPlane(String),
    #[error(transparent)]
    Supervisor(#[from] NoSupervisor),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Http(response) => Self::Answered {
                status: response.status(),
                retry_after: retry_after(response.headers()),
            },
            other => Self::WebSocket(Box::new(other)),
        }
    }
}

impl Failure {
    /// What a closing WebSocket says.
    pub(super) fn closed(frame: Option<&CloseFrame>) -> Self {
        let reason = |frame: &CloseFrame| {
            let text = frame.reason.chars().filter(|char| !char.is_control());
            format!("{} ({})", text.collect::<String>(), u16::from(frame.code))
        };
        Self::Closed {
            code: frame.and_then(|frame| CloseCode::from_code(frame.code.into())),
            reason: frame.map_or_else(|| "without a reason".to_owned(), reason),
        }
    }
}

impl Runner {
    pub(super) async fn connecting(&mut self) -> State {
        match self.attempt().await {
            Ok(connected) => connected,
            Err(failure) => self.failed(failure),
        }
    }

    async fn attempt(&mut self) -> Result<State, Failure> {
        let stream = self.dialer.dial().await?;
        let limit = self.timing.handshake;
        let (socket, welcome) = tokio::time::timeout(limit, self.introduce(stream))
            .await
            .unwrap_or(Err(Failure::Silent))?;
        self.offer = welcome.program;
        let supervisor = self.supervisor.connect().await?;
        Ok(State::Connected(Box::new(socket), supervisor))
    }

    /// Where a failure leads.
    pub(super) fn failed(&mut self, failure: Failure) -> State {
        match failure {
            Failure::Closed { code, reason } if code.is_some_and(CloseCode::is_permanent) => {
                State::Closed(match code {
                    Some(CloseCode::Decommissioned) => RunnerError::Decommissioned,
                    _ => RunnerError::Rejected(reason),
                })
            }
            Failure::Answered { status, .. } if status == StatusCode::UNAUTHORIZED => {
                State::Closed(RunnerError::Rejected(format!("it answered {status}")))
            }
            Failure::OtherControlPlane(found) => State::Closed(RunnerError::OtherControlPlane {
                found,
                pinned: self.enrolled.control_plane_id.clone(),
            }),
            Failure::Closed {
                code: Some(CloseCode::Displaced),
                ..
            } => self.displaced(),
            Failure::Answered { retry_after, .. } => self.waiting(&failure, retry_after),
            failure => self.waiting(&failure, None),
        }
    }

    /// Somebody else connected with this identity: coming back at once would only displace them
    /// in turn.
    fn displaced(&self) -> State {
        let pause = self.back_off.longest(&self.ambient);
        tracing::error!(
            ?pause,
            "another runner has connected as this server: is its data directory a copy?"
        );
        let reason = "another runner has connected as this server".to_owned();
        self.note(Phase::Waiting, Some(reason));
        State::Waiting(pause)
    }

    /// Asks for a WebSocket and proves who this is.
    async fn introduce(&self, stream: Box<dyn Io>) -> Result<(Socket, Welcome), Failure> {
        let failed = upgrade::unreported(&self.dir);
        let reports = failed.is_some();
        let introduced = introduce(&self.dialer, stream, &self.key, &self.enrolled, failed).await?;
        if reports && let Err(error) = upgrade::note_reported(&self.dir) {
            tracing::warn!(%error, "a failed upgrade will be reported again");
        }
        Ok(introduced)
    }
}

/// Gets a welcome and goes.
pub(super) async fn probe(
    dialer: &Dialer,
    key: &Ed25519KeyPair,
    enrolled: &Enrolled,
    limit: Duration,
) -> Result<(), Failure> {
    let probing = async {
        let stream = dialer.dial().await?;
        let (mut socket, _) = introduce(dialer, stream, key, enrolled, None).await?;
        // The welcome is all that was wanted.
        let _ = socket.close(None).await;
        Ok(())
    };
    tokio::time::timeout(limit, probing)
        .await
        .unwrap_or(Err(Failure::Silent))
}

async fn introduce(
    dialer: &Dialer,
    stream: Box<dyn Io>,
    key: &Ed25519KeyPair,
    enrolled: &Enrolled,
    upgrade_failed: Option<UpgradeFailure>,
) -> Result<(Socket, Welcome), Failure> {
    let request = dialer.address().websocket(CONNECT_PATH);
    let request = request.into_client_request()?;
    let (mut socket, _) = client_async_with_config(request, stream, Some(config())).await?;
    let challenge: Challenge = receive(&mut socket).await?;
    let proof = Proof {
        upgrade_failed,
        ..prove(key, enrolled, &challenge)?
    };
    let proof = serde_json::to_string(&proof).map_err(|_| Failure::Unexpected)?;
    socket.send(Message::text(proof)).await?;
    let welcome = receive(&mut socket).await?;
    Ok((socket, welcome))
}

fn prove(
    key: &Ed25519KeyPair,
    enrolled: &Enrolled,
    challenge: &Challenge,
) -> Result<Proof, Failure> {
    let pinned = &enrolled.control_plane_id;
    if challenge.control_plane_id != *pinned {
        let found = challenge.control_plane_id.chars();
        let found = found.filter(|char| !char.is_control()).take(128);
        return Err(Failure::OtherControlPlane(found.collect()));
    }
    let version = env!("CARGO_PKG_VERSION");
    handshake::prove(key, pinned, &enrolled.server_id, version, challenge)
        .ok_or(Failure::Unexpected)
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
        .max_write_buffer_size(BUFFER + 4 * MESSAGE_BYTES)
        .max_message_size(Some(MOST))
        .max_frame_size(Some(MOST))
}

/// The next message of the handshake.
async fn receive<T: DeserializeOwned>(socket: &mut Socket) -> Result<T, Failure> {
    loop {
        let message = match socket.next().await {
            Some(message) => message?,
            None => return Err(Failure::closed(None)),
        };
        match message {
            Message::Text(text) => {
                return serde_json::from_str(&text).map_err(|_| Failure::Unexpected);
            }
            Message::Close(frame) => return Err(Failure::closed(frame.as_ref())),
            Message::Ping(_) | Message::Pong(_) => {}
            Message::Binary(_) | Message::Frame(_) => return Err(Failure::Unexpected),
        }
    }
}
