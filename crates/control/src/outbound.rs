//! Requests to addresses that people name, such as registries.
//!
//! Whoever may name an address must not reach through it what they could not reach themselves
//! (docs/threats.md): a name is resolved, its addresses are held against what may be reached, and
//! the connection goes to an address that was checked. Redirects are not followed, and the size
//! of an answer is bounded; the time is bounded by whoever asks.

mod connect;
mod fetch;
mod networks;
mod trust;
mod url;

pub(crate) use connect::Outbound;
pub(crate) use fetch::Answer;
pub(crate) use networks::TrustedNetwork;
use networks::{Networks, Reach};
pub(crate) use url::OutboundUrl;

use std::io;

use reoclo_domain::OrganizationId;
use reoclo_wire::connect::NotConnected;

use crate::{Control, Core, Refusal, Settings};

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

impl Outbound {
    /// Sends requests for somebody of an organization.
    pub(crate) async fn of(
        core: &Core,
        settings: &Settings,
        organization: OrganizationId,
    ) -> Result<Self, Refusal> {
        let trusted = if settings.organization_networks {
            let found = core.store().organization(organization).await?;
            Some(found.map_or_else(Vec::new, |record| record.trusted_networks))
        } else {
            None
        };
        let networks = Networks::new(&settings.allowed_outbound, trusted);
        Ok(Self::new(networks))
    }
}

impl Control {
    /// Sends requests for somebody of an organization.
    pub(crate) async fn outbound_for(
        &self,
        organization: OrganizationId,
    ) -> Result<Outbound, Refusal> {
        Outbound::of(self.core(), self.settings(), organization).await
    }
}
