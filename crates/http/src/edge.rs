//! What every request passes first: its id, its `Host`, and where it comes from.

mod around;
mod client_address;
mod cookies;
mod hosts;
mod same_site;

use std::net::SocketAddr;

use http::request::Parts;
use reoclo_control::RequestSource;

pub(crate) use around::around;
pub use client_address::{TooWideError, TrustedProxies};
pub use hosts::Hosts;
pub(crate) use same_site::{SameSite, is_of_own_origin, is_same_site};

/// The connection that a request came over.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionInfo {
    /// The other end of the TCP connection.
    pub peer: SocketAddr,
    /// This end.
    pub local: SocketAddr,
}

/// Marks a request that came over TLS of our own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OverTls;

/// Where a request comes from, as audit rows and keys record it.
#[derive(Clone, Debug, Default)]
pub struct Source(
    /// As the edge found it.
    pub RequestSource,
);

impl Source {
    pub(crate) fn of(parts: &Parts) -> Self {
        parts.extensions.get::<Self>().cloned().unwrap_or_default()
    }
}

impl<S: Sync> axum::extract::FromRequestParts<S> for Source {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        _: &S,
    ) -> Result<Self, std::convert::Infallible> {
        Ok(Self::of(parts))
    }
}
