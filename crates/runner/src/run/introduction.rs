//! The handshake: each end proves to the other who it is.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use http::StatusCode;
use reoclo_wire::byte_stream::MESSAGE_BYTES;
use reoclo_wire::handshake::{
    self, CONNECT_PATH, Challenge, CloseCode, Farewell, Machine, MachineProof, NONCE_BYTES,
    ProgramOffer, Proof, UpgradeFailure, Welcome, prove_machine, verify_farewell, verify_welcome,
};
use ring::signature::Ed25519KeyPair;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::dial::{DialError, Dialer, Io};
use crate::enrolled::Enrolled;
use crate::facts;
use crate::retry_after::retry_after;
use crate::supervisor_process::NoSupervisor;

/// The WebSocket to the control plane.
pub(super) type Socket = WebSocketStream<Box<dyn Io>>;

/// The largest message that is taken.
const MOST: usize = 1 << 20;
/// What an idle connection holds in each direction.
const BUFFER: usize = 16 * 1024;
/// Characters of what somebody else says that are repeated.
const MOST_SHOWN: usize = 500;

/// An attempt did not lead to a connection, or the connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error(
        "{whom} answered {status}, which is not how a control plane meets its runner: a proxy or a \
         sign-in page may stand in between"
    )]
    Answered {
        whom: String,
        status: StatusCode,
        retry_after: Option<Duration>,
    },
    #[error("no WebSocket with {0}")]
    WebSocket(String, #[source] Box<Error>),
    /// Somebody's word, which ends no runner.
    #[error("the connection was closed, without the control plane's signature: {reason}")]
    Closed {
        code: Option<CloseCode>,
        reason: String,
    },
    /// The control plane's own word.
    #[error("the control plane closed the connection: {reason}")]
    Ended { code: CloseCode, reason: String },
    #[error("{0} sent something that is not part of the handshake")]
    Unexpected(String),
    #[error("{0} does not go on with the handshake")]
    Silent(String),
    #[error(
        "another control plane ({found}) answers at {whom}, and this server is enrolled with \
         {pinned}: if it moved, correct the URL; if it is a new one, enrol again with a new token"
    )]
    OtherControlPlane {
        whom: String,
        found: String,
        pinned: String,
    },
    #[error(
        "{0} did not prove that it is the control plane that this server is enrolled with, and is \
         not believed"
    )]
    Unproven(String),
    #[error(transparent)]
    Supervisor(#[from] NoSupervisor),
}

/// A connection on which the control plane has said welcome.
pub(super) struct Welcomed {
    pub(super) socket: Socket,
    pub(super) program: Option<ProgramOffer>,
    pub(super) exchange: Exchange,
    /// The control plane's key, when this server did not know it yet.
    pub(super) pin: Option<String>,
}

/// What was said, which everything that the control plane signs refers to.
pub(super) struct Exchange {
    challenge: Challenge,
    proof: Proof,
    /// None where the control plane is older than its key.
    key: Option<Vec<u8>>,
}

impl Exchange {
    /// What a message means that is not part of the stream of bytes: a farewell if it is the
    /// control plane's own, or else nothing.
    pub(super) fn farewell(&self, text: &str) -> Option<Failure> {
        let said: Farewell = serde_json::from_str(text).ok()?;
        let key = self.key.as_ref()?;
        if !verify_farewell(key, &self.challenge, &self.proof, &said) {
            return None;
        }
        Some(Failure::Ended {
            code: said.code()?,
            reason: shown(&said.reason),
        })
    }
}

/// Who introduces itself to whom.
pub(super) struct Introduction<'a> {
    pub(super) dialer: &'a Dialer,
    pub(super) key: &'a Ed25519KeyPair,
    pub(super) enrolled: &'a Enrolled,
    pub(super) machine: Machine,
    pub(super) nonce: [u8; NONCE_BYTES],
    pub(super) upgrade_failed: Option<UpgradeFailure>,
}

impl Failure {
    /// What a closing WebSocket says.
    pub(super) fn closed(frame: Option<&CloseFrame>) -> Self {
        let reason =
            |frame: &CloseFrame| format!("{} ({})", shown(&frame.reason), u16::from(frame.code));
        Self::Closed {
            code: frame.and_then(|frame| CloseCode::from_code(frame.code.into())),
            reason: frame.map_or_else(|| "without a reason".to_owned(), reason),
        }
    }
}

impl Introduction<'_> {
    /// Asks for a WebSocket, and proves who this is to whoever proves to be the control plane.
    pub(super) async fn run(self, stream: Box<dyn Io>) -> Result<Welcomed, Failure> {
        let mut socket = self.open(stream).await?;
        let challenge = self.receive(&mut socket).await?;
        let challenge: Challenge = self.parse(&challenge)?;
        self.check(&challenge)?;
        let proof = self.prove(&challenge)?;
        let text = serde_json::to_string(&proof).map_err(|_| self.unexpected())?;
        let sent = socket.send(Message::text(text)).await;
        sent.map_err(|error| self.broken(error))?;
        let answer = self.receive(&mut socket).await?;
        let key = self.enrolled.control_plane_key.as_ref();
        let key = key.or(challenge.public_key.as_ref()).cloned();
        let is_pinned = self.enrolled.control_plane_key.is_some();
        let mut exchange = Exchange {
            challenge,
            proof,
            key: key.as_ref().and_then(|key| STANDARD.decode(key).ok()),
        };
        if serde_json::from_str::<Farewell>(&answer).is_ok() {
            // The word of one whom this server does not know yet is not final.
            let known = is_pinned.then(|| exchange.farewell(&answer)).flatten();
            return Err(known.unwrap_or_else(|| self.unproven()));
        }
        let welcome: Welcome = self.parse(&answer)?;
        let is_proven = exchange
            .key
            .as_ref()
            .is_some_and(|key| verify_welcome(key, &exchange.challenge, &exchange.proof, &welcome));
        // A control plane of before there was this key, and a server that never knew of one.
        let is_older = key.is_none() && welcome.signature.is_none();
        if !is_proven && !is_older {
            return Err(self.unproven());
        }
        if is_older {
            exchange.key = None;
        }
        Ok(Welcomed {
            socket,
            program: welcome.program.filter(|_| is_proven),
            exchange,
            pin: key.filter(|_| !is_pinned),
        })
    }

    async fn open(&self, stream: Box<dyn Io>) -> Result<Socket, Failure> {
        let request = self.dialer.address().websocket(CONNECT_PATH);
        let request = request.into_client_request();
        let request = request.map_err(|error| self.broken(error))?;
        let opened = client_async_with_config(request, stream, Some(config())).await;
        let (socket, _) = opened.map_err(|error| self.broken(error))?;
        Ok(socket)
    }

    /// Whether this may be the control plane that the server is enrolled with: another one gets no
    /// proof.
    fn check(&self, challenge: &Challenge) -> Result<(), Failure> {
        let pinned = &self.enrolled.control_plane_id;
        if challenge.control_plane_id != *pinned {
            return Err(Failure::OtherControlPlane {
                whom: self.whom(),
                found: shown(&challenge.control_plane_id),
                pinned: pinned.clone(),
            });
        }
        match &self.enrolled.control_plane_key {
            Some(key) if challenge.public_key.as_ref() != Some(key) => Err(self.unproven()),
            _ => Ok(()),
        }
    }

    fn prove(&self, challenge: &Challenge) -> Result<Proof, Failure> {
        let Enrolled {
            control_plane_id,
            server_id,
            ..
        } = self.enrolled;
        let version = env!("CARGO_PKG_VERSION");
        let proof = handshake::prove(self.key, control_plane_id, server_id, version, challenge);
        let machine = self.machine.clone();
        let machine = prove_machine(self.key, challenge, server_id, machine, &self.nonce);
        let machine = machine.map(|proof| MachineProof {
            host_name: facts::hostname(),
            ..proof
        });
        Ok(Proof {
            upgrade_failed: self.upgrade_failed.clone(),
            machine,
            ..proof.ok_or_else(|| self.unexpected())?
        })
    }

    /// The next text of the handshake.
    async fn receive(&self, socket: &mut Socket) -> Result<String, Failure> {
        loop {
            let message = match socket.next().await {
                Some(message) => message.map_err(|error| self.broken(error))?,
                None => return Err(Failure::closed(None)),
            };
            match message {
                Message::Text(text) => return Ok(text.as_str().to_owned()),
                Message::Close(frame) => return Err(Failure::closed(frame.as_ref())),
                Message::Ping(_) | Message::Pong(_) => {}
                Message::Binary(_) | Message::Frame(_) => return Err(self.unexpected()),
            }
        }
    }

    fn parse<T: serde::de::DeserializeOwned>(&self, text: &str) -> Result<T, Failure> {
        serde_json::from_str(text).map_err(|_| self.unexpected())
    }

    fn whom(&self) -> String {
        self.dialer.address().authority.clone()
    }

    fn unexpected(&self) -> Failure {
        Failure::Unexpected(self.whom())
    }

    fn unproven(&self) -> Failure {
        Failure::Unproven(self.whom())
    }

    fn broken(&self, error: Error) -> Failure {
        match error {
            Error::Http(response) => Failure::Answered {
                whom: self.whom(),
                status: response.status(),
                retry_after: retry_after(response.headers()),
            },
            other => Failure::WebSocket(self.whom(), Box::new(other)),
        }
    }
}

/// Somebody else's words, as one line of bounded length.
fn shown(text: &str) -> String {
    let plain = text.chars().filter(|char| !char.is_control());
    plain.take(MOST_SHOWN).collect()
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
        .max_write_buffer_size(BUFFER + 4 * MESSAGE_BYTES)
        .max_message_size(Some(MOST))
        .max_frame_size(Some(MOST))
}
