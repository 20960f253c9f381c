//! Requests to addresses that people name, such as registries.
//!
//! Whoever may name an address must not reach through it what they could not reach themselves
//! (THREATS, SSRF): a name is resolved, its addresses are held against what may be reached, and
//! the connection goes to an address that was checked. Redirects are not followed, and the size
//! of an answer is bounded; the time is bounded by whoever asks.

mod connect;
mod fetch;
mod networks;
mod trust;
mod url;

pub(crate) use connect::Outbound;
pub(crate) use fetch::Answer;
pub(crate) use networks::Networks;
pub(crate) use url::OutboundUrl;

use std::io;

/// There is no answer. The messages are for whoever named the address.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutboundError {
    #[error("{0} cannot be found")]
    Resolve(String, #[source] io::Error),
    #[error(
        "{0} is not on the public network: whoever runs this Reoclo can allow its network with \
         --allow-outbound"
    )]
    NotAllowed(String),
    #[error("cannot connect to {0}: {1}")]
    Connect(String, #[source] io::Error),
    #[error("no TLS with {0}: {1}")]
    Tls(String, #[source] io::Error),
    #[error("this machine trusts no certificates: install ca-certificates")]
    Trust(#[source] trust::TrustError),
    #[error("{0} does not answer as a web server does")]
    Http(String, #[source] hyper::Error),
    #[error("{0} answers with more than anybody needs")]
    TooLarge(String),
}
