//! Many networks, asked as quickly as one.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

/// The addresses of some networks. Whether one is among them takes a binary search, so ten
/// thousand networks cost about what ten do. Clones share their memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses(Arc<Ranges>);

/// First and last addresses, sorted, none touching the next.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ranges {
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
}

impl Addresses {
    /// Whether the address is among them; one that is IPv4 written as IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(address) => is_within(&self.0.v4, address.to_bits()),
            IpAddr::V6(address) => is_within(&self.0.v6, address.to_bits()),
        }
    }

    /// How many IPv4 addresses there are.
    pub fn ipv4_count(&self) -> u64 {
        let sizes = self.0.v4.iter();
        sizes.map(|(first, last)| u64::from(last - first) + 1).sum()
    }
}

impl<'n> FromIterator<&'n IpNet> for Addresses {
    fn from_iter<I: IntoIterator<Item = &'n IpNet>>(networks: I) -> Self {
        let mut ranges = Ranges::default();
        for network in networks {
            match network {
                IpNet::V4(v4) => {
                    let (first, last) = (v4.network(), v4.broadcast());
                    ranges.v4.push((first.to_bits(), last.to_bits()));
                }
                IpNet::V6(v6) => {
                    let (first, last) = (v6.network(), v6.broadcast());
                    ranges.v6.push((first.to_bits(), last.to_bits()));
                }
            }
        }
        ranges.v4 = merged(ranges.v4);
        ranges.v6 = merged(ranges.v6);
        Self(Arc::new(ranges))
    }
}

fn merged<T: Ord + Copy>(mut ranges: Vec<(T, T)>) -> Vec<(T, T)> {
    ranges.sort_unstable();
    let mut merged: Vec<(T, T)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match merged.last_mut() {
            Some(before) if first <= before.1 => before.1 = before.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    merged.shrink_to_fit();
    merged
}

fn is_within<T: Ord + Copy>(ranges: &[(T, T)], address: T) -> bool {
    let behind = ranges.partition_point(|(first, _)| *first <= address);
    let candidate = behind.checked_sub(1).and_then(|place| ranges.get(place));
    candidate.is_some_and(|(_, last)| address <= *last)
}

/// The networks of a key as they were written, with their addresses. Clones share their memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowlist {
    entries: Arc<[IpNet]>,
    addresses: Addresses,
}

impl Allowlist {
    /// The networks, in the order in which they were written.
    pub fn entries(&self) -> &[IpNet] {
        &self.entries
    }

    /// Nothing is listed.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether a client at `address` is in one of the networks.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.addresses.contains(address)
    }
}

impl From<Vec<IpNet>> for Allowlist {
    fn from(networks: Vec<IpNet>) -> Self {
        Self {
            addresses: networks.iter().collect(),
            entries: networks.into(),
        }
    }
}

impl FromIterator<IpNet> for Allowlist {
    fn from_iter<I: IntoIterator<Item = IpNet>>(networks: I) -> Self {
        networks.into_iter().collect::<Vec<_>>().into()
    }
}
