use std::collections::BTreeSet;
use std::net::IpAddr;

/// What one address has.
#[derive(Debug, Default)]
pub(super) struct Address {
    strangers: BTreeSet<u64>,
    /// Connections that wait for a place.
    pub(super) at_door: usize,
    /// Requests that came through a trusted proxy.
    pub(super) asking: usize,
}

impl Address {
    pub(super) fn len(&self) -> usize {
        self.strangers.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.strangers.is_empty() && self.at_door == 0 && self.asking == 0
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = u64> {
        self.strangers.iter().copied()
    }

    pub(super) fn add(&mut self, id: u64) {
        self.strangers.insert(id);
    }

    pub(super) fn remove(&mut self, id: u64) {
        self.strangers.remove(&id);
    }
}

/// Whoever has an IPv6 address usually has its /64.
pub(in crate::listener) fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
    }
}
