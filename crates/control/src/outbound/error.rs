//! Why there is no answer.

use std::io;

use reoclo_wire::connect::NotConnected;

use super::trust;

/// There is no answer. The messages are for whoever named the address, and begin with a word of
/// ours: pages write it with a capital.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutboundError {
    #[error("the name {0} cannot be found")]
    Resolve(String, #[source] io::Error),
    #[error(
        "the address {0} is not on the public network: an admin can trust its network under Settings, or \
         whoever runs this Reoclo allows it with --allow-outbound"
    )]
    NotTrusted(String),
    #[error(
        "the address {0} is not on the public network, or is the machine of this Reoclo: only whoever runs it \
         can allow that, with --allow-outbound"
    )]
    NotAllowed(String),
    #[error("cannot connect to {0}: {1}")]
    Connect(String, #[source] NotConnected),
    #[error("no TLS with {0}: {1}")]
    Tls(String, #[source] io::Error),
    #[error("this machine trusts no certificates: install ca-certificates")]
    Trust(#[source] trust::TrustError),
    #[error("the server {0} does not answer as a web server does")]
    Http(String, #[source] hyper::Error),
    #[error("the server {0} answers with more than anybody needs")]
    TooLarge(String),
}
