//! HTTP/2 with the roles reversed, over any byte stream.
//!
//! hyper is used directly at both ends: its connection futures end when the link does, which
//! tonic's own `Channel` and `Server` hide.

mod client;
mod cut;
mod fate;
mod server;

use std::time::Duration;

pub use client::{Channel, LinkError, open_client};
pub use fate::is_link_lost;
pub use server::serve;

/// How the link is tuned. The defaults were measured; see each field.
#[derive(Clone, Copy, Debug)]
pub struct LinkSettings {
    /// Flow-control window of one stream in bytes: 64 KiB would give 3 MB/s at a round trip of
    /// 20 ms, 1 MiB gives about 50.
    pub stream_window: u32,
    /// Flow-control window of the connection in bytes. At HTTP/2's default a few unread streams
    /// block every other call, so this is as large as it can be.
    pub connection_window: u32,
    /// Concurrent streams; above anything that the application allows, because a call beyond it
    /// hangs without an error.
    pub max_streams: u32,
    /// Largest frame in bytes.
    pub frame: u32,
    /// How the control plane notices a lost link.
    pub control_plane_keepalive: Keepalive,
    /// How the server's end notices a lost link.
    pub supervisor_keepalive: Keepalive,
}

/// Pings on an otherwise silent link, and how long an answer may take.
#[derive(Clone, Copy, Debug)]
pub struct Keepalive {
    /// Time between pings.
    pub every: Duration,
    /// The link is lost when a ping is not answered within this time.
    pub timeout: Duration,
}

impl Default for LinkSettings {
    fn default() -> Self {
        Self {
            stream_window: 1 << 20,
            connection_window: (1 << 31) - 1,
            max_streams: 4096,
            frame: 64 * 1024,
            control_plane_keepalive: Keepalive {
                every: Duration::from_secs(5),
                timeout: Duration::from_secs(4),
            },
            supervisor_keepalive: Keepalive {
                every: Duration::from_secs(20),
                timeout: Duration::from_secs(10),
            },
        }
    }
}
