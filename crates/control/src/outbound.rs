//! Requests to addresses that people name, such as registries.
//!
//! Whoever may name an address must not reach through it what they could not reach themselves
//! (docs/threats.md): a name is resolved, its addresses are held against what may be reached, and
//! the connection goes to an address that was checked. Redirects are not followed, and the size
//! of an answer is bounded; the time is bounded by whoever asks.

mod connect;
mod error;
mod fetch;
mod networks;
mod trust;
mod url;

pub(crate) use connect::Outbound;
pub(crate) use error::OutboundError;
pub(crate) use fetch::Answer;
use networks::Networks;
pub(crate) use networks::TrustedNetwork;
pub(crate) use url::OutboundUrl;

use reoclo_domain::OrganizationId;

use crate::{Core, Refusal, Settings};

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
