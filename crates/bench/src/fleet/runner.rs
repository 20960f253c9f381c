//! One runner: it dials, proves who it is, answers what it is asked, and comes back with the
//! pauses of a real one.

use std::future::pending;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use reoclo_runner::{Ambient, BackOff, ProxySettings, RunnerTiming};
use reoclo_wire::byte_stream::{ByteStream, Codec, Received};
use reoclo_wire::handshake::{CONNECT_PATH, Challenge, Welcome, prove};
use reoclo_wire::link::{LinkSettings, serve};
use ring::signature::Ed25519KeyPair;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::Roster;
use super::service::Idle;
use crate::ambient;

/// As in the real runner.
const BUFFER: usize = 16 * 1024;

const CODEC: Codec<Message> = Codec {
    wrap: Message::Binary,
    open: |message| match message {
        Message::Binary(bytes) => Received::Bytes(bytes),
        Message::Close(_) => Received::Close,
        _ => Received::Control,
    },
};

type Socket = WebSocketStream<TcpStream>;

/// One runner.
pub(super) struct Runner {
    roster: Arc<Roster>,
    place: usize,
    key: Ed25519KeyPair,
    timing: RunnerTiming,
    ambient: Ambient,
}

impl Runner {
    pub(super) fn new(roster: Arc<Roster>, place: usize, key: Ed25519KeyPair) -> Self {
        Self {
            roster,
            place,
            key,
            timing: RunnerTiming::default(),
            ambient: Ambient {
                clock: ambient::clock(),
                entropy: ambient::entropy(),
                proxy: ProxySettings::default(),
            },
        }
    }

    /// Connects for ever.
    pub(super) async fn keep_connected(self) {
        let mut back_off = BackOff::new(self.timing.first_connect);
        let mut was_connected = false;
        loop {
            if let Ok(socket) = self.connect().await {
                let since = self.ambient.clock.monotonic();
                let service = Idle::new(self.place, Arc::clone(&self.ambient.clock));
                let io = ByteStream::new(socket, CODEC);
                // However it ends, the runner dials again.
                let _ = serve(io, service, &LinkSettings::default(), pending()).await;
                let lasted = self.ambient.clock.monotonic().saturating_sub(since);
                if !was_connected || lasted >= self.timing.stable_after {
                    back_off = BackOff::new(self.timing.reconnect);
                }
                was_connected = true;
            }
            sleep(back_off.pause(&self.ambient)).await;
        }
    }

    async fn connect(&self) -> Result<Socket> {
        let stream = timeout(self.timing.dial, TcpStream::connect(&self.roster.address)).await??;
        stream.set_nodelay(true)?;
        timeout(self.timing.handshake, self.introduce(stream)).await?
    }

    async fn introduce(&self, stream: TcpStream) -> Result<Socket> {
        let Roster {
            address,
            control_plane_id,
            servers,
        } = &*self.roster;
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER)
            .write_buffer_size(BUFFER);
        let url = format!("ws://{address}{CONNECT_PATH}");
        let (mut socket, _) = client_async_with_config(url, stream, Some(config)).await?;
        let challenge: Challenge = receive(&mut socket).await?;
        ensure!(challenge.control_plane_id == *control_plane_id);
        let version = env!("CARGO_PKG_VERSION");
        let server = &servers[self.place];
        let proof = prove(&self.key, control_plane_id, server, version, &challenge);
        let proof = serde_json::to_string(&proof.context("a malformed challenge")?)?;
        socket.send(Message::text(proof)).await?;
        let _: Welcome = receive(&mut socket).await?;
        Ok(socket)
    }
}

async fn receive<T: DeserializeOwned>(socket: &mut Socket) -> Result<T> {
    match socket.next().await.context("the connection ended")?? {
        Message::Text(text) => Ok(serde_json::from_str(&text)?),
        other => bail!("not part of the handshake: {other:?}"),
    }
}
