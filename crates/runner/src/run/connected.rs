//! Bytes go between the WebSocket and the supervisor's socket, unread.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use reoclo_wire::byte_stream::MESSAGE_BYTES;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::introduction::{Exchange, Failure, Socket, Welcomed};
use super::{Runner, State};
use crate::back_off::BackOff;
use crate::status::Phase;
use crate::upgrade::{self, NotPrepared, Prepared, Surroundings};

/// A buffer with less room than this is replaced.
const LITTLE_ROOM: usize = 4 * 1024;

/// Why the bytes stopped.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("the control plane closed the connection")]
    ControlPlane(Failure),
    #[error("the connection to the control plane broke")]
    Connection(#[source] Box<Error>),
    #[error("the supervisor went away")]
    Supervisor,
    #[error("the connection to the supervisor broke")]
    SupervisorSocket(#[from] io::Error),
    #[error("nothing more is taken by the control plane, or whoever stands before it")]
    Stalled(#[source] Elapsed),
    #[error("nothing more is taken by the supervisor")]
    SupervisorStalled(#[source] Elapsed),
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        Self::Connection(Box::new(error))
    }
}

impl Runner {
    pub(super) async fn connected(&mut self, welcomed: Welcomed, supervisor: UnixStream) -> State {
        tracing::info!(server_id = self.enrolled.server_id, "connected");
        self.note(Phase::Connected, None);
        self.is_replacing = self.supervisor.succeed_another_program().await;
        let since = self.ambient.clock.monotonic();
        self.confirm_upgrade().await;
        let end = tokio::select! {
            end = splice(welcomed, supervisor, self.timing.stalled_after) => end,
            prepared = self.prepare_upgrade() => match prepared {
                Some(prepared) => return self.become_another(prepared),
                // So that the control plane hears of it.
                None => return State::Connecting,
            },
        };
        let lasted = self.ambient.clock.monotonic().saturating_sub(since);
        let is_first = !std::mem::replace(&mut self.was_connected, true);
        if is_first || lasted >= self.timing.stable_after {
            self.back_off = BackOff::new(self.timing.reconnect);
        }
        match end {
            End::ControlPlane(failure) => self.failed(failure),
            // As it was asked to.
            End::Supervisor | End::SupervisorSocket(_) if self.is_replacing => State::Connecting,
            end => self.waiting(&end, None),
        }
    }
}

impl Runner {
    /// If this is a new program, it has connected and stays.
    async fn confirm_upgrade(&self) {
        let dir = self.dir.clone();
        let confirmed = tokio::task::spawn_blocking(move || upgrade::confirm(&dir)).await;
        if let Ok(Err(error)) = confirmed {
            tracing::error!(%error, "it could not be noted that the new program has connected");
        }
    }

    /// A program that this process is to become, or none when one failed; waits for ever where
    /// there is nothing to do.
    async fn prepare_upgrade(&self) -> Option<Prepared> {
        let Some((options, offer)) = self.upgrade.as_ref().zip(self.offer.as_ref()) else {
            return std::future::pending().await;
        };
        let surroundings = Surroundings {
            options,
            dir: &self.dir,
            dialer: &self.dialer,
            machine: &self.machine,
            ambient: &self.ambient,
        };
        match upgrade::prepare(surroundings, offer).await {
            Ok(prepared) => Some(prepared),
            Err(NotPrepared::Failed) => None,
            Err(NotPrepared::Nothing) => std::future::pending().await,
        }
    }

    /// Comes back only when it failed.
    fn become_another(&self, prepared: Prepared) -> State {
        if let Some(options) = &self.upgrade {
            let now = self.ambient.clock.now();
            upgrade::become_it(prepared, options, &self.dir, now);
        }
        State::Connecting
    }
}

/// Passes bytes both ways until either end goes, or takes nothing for so long.
///
/// A network that swallows what it is given never says so. While there is little to send, the
/// supervisor notices, whose pings are not answered. With much to send, its pings wait behind that,
/// and its end is not seen before there is room again.
async fn splice(welcomed: Welcomed, supervisor: UnixStream, patience: Duration) -> End {
    let Welcomed {
        socket, exchange, ..
    } = welcomed;
    let (to_control_plane, from_control_plane) = socket.split();
    let (from_supervisor, to_supervisor) = supervisor.into_split();
    tokio::select! {
        end = inward(from_control_plane, to_supervisor, &exchange, patience) => end,
        end = outward(from_supervisor, to_control_plane, patience) => end,
    }
}

async fn inward(
    mut from: SplitStream<Socket>,
    mut to: OwnedWriteHalf,
    exchange: &Exchange,
    patience: Duration,
) -> End {
    loop {
        match from.next().await {
            None => return End::ControlPlane(Failure::closed(None)),
            Some(Err(error)) => return error.into(),
            Some(Ok(Message::Close(frame))) => {
                return End::ControlPlane(Failure::closed(frame.as_ref()));
            }
            // What it says itself; the code that follows is everybody's.
            Some(Ok(Message::Text(text))) => {
                if let Some(ended) = exchange.farewell(&text) {
                    return End::ControlPlane(ended);
                }
            }
            Some(Ok(Message::Binary(bytes))) => {
                match timeout(patience, to.write_all(&bytes)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => return error.into(),
                    Err(elapsed) => return End::SupervisorStalled(elapsed),
                }
            }
            // The WebSocket answers pings itself.
            Some(Ok(_)) => {}
        }
    }
}

async fn outward(
    mut from: OwnedReadHalf,
    mut to: SplitSink<Socket, Message>,
    patience: Duration,
) -> End {
    let mut buffer = BytesMut::new();
    loop {
        if buffer.capacity() < LITTLE_ROOM {
            buffer.reserve(MESSAGE_BYTES);
        }
        match from.read_buf(&mut buffer).await {
            Err(error) => return error.into(),
            Ok(0) => return End::Supervisor,
            Ok(_) => {}
        }
        let message = Message::Binary(buffer.split().freeze());
        match timeout(patience, to.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return error.into(),
            Err(elapsed) => return End::Stalled(elapsed),
        }
    }
}
