use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use reoclo_domain::Clock;

use super::ConnectionLimits;
use super::places::{Place, Places, counted};
use crate::edge::TrustedProxies;

/// What all listeners of a control plane share: the places of connections, and whose proxies are
/// believed.
#[derive(Clone)]
pub struct Front {
    pub(super) places: Arc<Places>,
    proxies: TrustedProxies,
}

impl Front {
    /// Nobody is connected yet.
    pub fn new(limits: ConnectionLimits, proxies: TrustedProxies, clock: Arc<dyn Clock>) -> Self {
        Self {
            places: Places::new(limits, clock),
            proxies,
        }
    }

    /// A place for a connection from there; none when it has to go.
    pub(super) async fn place(&self, peer: IpAddr, has_tls: bool) -> Option<Place> {
        let is_proxy = self.proxies.trusts(peer.to_canonical());
        let address = (!is_proxy).then(|| counted(peer));
        let place = self.places.enter(address).await?;
        self.places.with_room(place, has_tls).await
    }
}

impl fmt::Debug for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Front")
            .field("proxies", &self.proxies)
            .finish_non_exhaustive()
    }
}
