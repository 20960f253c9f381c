//! The runner's WebSocket: challenge, proof, then bytes.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use futures_util::{SinkExt, StreamExt};
use reoclo_control::{Attachment, Detached, RequestSource, RunnerIdentity, RunnerRejected};
use reoclo_wire::byte_stream::{ByteStream, Codec, Received};
use reoclo_wire::handshake::{Challenge, CloseCode, Proof};
use serde::Serialize;
use tokio::time::timeout;

use super::close::SharedSocket;
use crate::edge::Source;
use crate::error::{ApiError, Malformed};
use crate::listener::{OfConnection, Standing};
use crate::public::Public;
use crate::state::AppState;

const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
const MAX_MESSAGE_BYTES: usize = 1024 * 1024;
/// Small buffers: they are held by every idle connection.
const BUFFER_BYTES: usize = 8 * 1024;

const CODEC: Codec<Message> = Codec {
    wrap: Message::Binary,
    open: |message| match message {
        Message::Binary(bytes) => Received::Bytes(bytes),
        Message::Close(_) => Received::Close,
        Message::Text(_) | Message::Ping(_) | Message::Pong(_) => Received::Control,
    },
};

pub(super) async fn connect(
    _: Public,
    State(state): State<AppState>,
    Source(source): Source,
    OfConnection(standing): OfConnection,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let upgrade =
        upgrade.map_err(|_| Malformed::BadRequest("this path takes a WebSocket upgrade only"))?;
    let upgrade = upgrade
        .max_message_size(MAX_MESSAGE_BYTES)
        .max_frame_size(MAX_MESSAGE_BYTES)
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES);
    Ok(upgrade.on_upgrade(move |socket| hold(state, source, standing, socket)))
}

/// Holds the connection until it ends, and says why it did.
async fn hold(
    state: AppState,
    source: RequestSource,
    standing: Option<Arc<Standing>>,
    socket: WebSocket,
) {
    let mut socket = SharedSocket::new(socket);
    let shaken = timeout(HANDSHAKE_TIME, shake_hands(&state, &source, &mut socket)).await;
    // A connection that does not speak the handshake is no runner.
    let Ok(Some(shaken)) = shaken else { return };
    let (code, reason) = match shaken.identified {
        Ok(identity) => {
            if let Some(standing) = standing {
                standing.is_a_runner();
            }
            let io = ByteStream::new(socket.clone(), CODEC);
            let machine = shaken.proof.machine.as_ref();
            let detached = state
                .control
                .runners()
                .attach(Attachment {
                    identity,
                    io,
                    source,
                    machine: machine.map(|proof| proof.machine.clone()),
                })
                .await;
            let Some(goodbye) = goodbye(detached) else {
                return;
            };
            goodbye
        }
        Err(rejected) => rejection(rejected),
    };
    let control = &state.control;
    let farewell =
        control
            .runners()
            .farewell(&shaken.challenge, &shaken.proof, code.code(), &reason);
    socket.close(code.code(), reason, farewell.as_ref()).await;
}

/// What was said before bytes flow, and who it was.
struct Shaken {
    challenge: Challenge,
    proof: Proof,
    identified: Result<RunnerIdentity, RunnerRejected>,
}

async fn shake_hands(
    state: &AppState,
    source: &RequestSource,
    socket: &mut SharedSocket,
) -> Option<Shaken> {
    let control = &state.control;
    let challenge: Challenge = control.runners().challenge();
    send(socket, &challenge).await?;
    let proof: Proof = match socket.next().await?.ok()? {
        Message::Text(text) => serde_json::from_str(&text).ok()?,
        _ => return None,
    };
    let identified = identify(state, source, &challenge, &proof).await;
    if identified.is_ok() {
        let program = state.program.get().await;
        let program = program.map(|program| program.offer.clone());
        send(
            socket,
            &control.runners().welcome(&challenge, &proof, program),
        )
        .await?;
    }
    Some(Shaken {
        challenge,
        proof,
        identified,
    })
}

async fn identify(
    state: &AppState,
    source: &RequestSource,
    challenge: &Challenge,
    proof: &Proof,
) -> Result<RunnerIdentity, RunnerRejected> {
    let control = &state.control;
    let identity = control.runners().identify(challenge, proof).await?;
    let machine = proof.machine.as_ref();
    control.runners().admit(&identity, machine, source).await?;
    if let Some(failure) = &proof.upgrade_failed {
        control
            .runners()
            .note_failed_upgrade(&identity, source, failure)
            .await;
    }
    Ok(identity)
}

async fn send(socket: &mut SharedSocket, message: &impl Serialize) -> Option<()> {
    let text = serde_json::to_string(message).ok()?;
    socket.send(Message::Text(text.into())).await.ok()
}

fn rejection(rejected: RunnerRejected) -> (CloseCode, String) {
    let code = match rejected {
        RunnerRejected::Unknown | RunnerRejected::NotChosen => CloseCode::Rejected,
        RunnerRejected::Decommissioned => CloseCode::Decommissioned,
        RunnerRejected::AnotherMachine => CloseCode::AnotherMachine,
        RunnerRejected::Unavailable => CloseCode::ShuttingDown,
    };
    (code, rejected.to_string())
}

fn goodbye(detached: Detached) -> Option<(CloseCode, String)> {
    let (code, reason) = match detached {
        Detached::Lost => return None,
        Detached::AnotherMachine => return Some(rejection(RunnerRejected::AnotherMachine)),
        Detached::NotChosen => return Some(rejection(RunnerRejected::NotChosen)),
        Detached::Displaced => (
            CloseCode::Displaced,
            "a newer connection of this server took its place",
        ),
        Detached::ShuttingDown => (
            CloseCode::ShuttingDown,
            "the control plane is shutting down",
        ),
        Detached::Decommissioned => (CloseCode::Decommissioned, "the server was decommissioned"),
    };
    Some((code, reason.to_owned()))
}
