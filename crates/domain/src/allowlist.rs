//! The IP allowlist of an automation key.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};

mod addresses;
mod published;

pub use addresses::{Addresses, Allowlist};
pub use published::{MAX_PUBLISHED_ENTRIES, PublishedListError, read_published};

/// The prefix length of the block that stands for IPv4 in IPv6: `::ffff:0:0/96` (RFC 4291, 2.5.5.2).
const MAPPED_PREFIX: u8 = 96;

/// The most entries of a list that people write.
pub const MAX_ALLOWLIST_ENTRIES: usize = 10_000;

/// One entry of an allowlist: an address, or a network in CIDR notation.
///
/// What is written as IPv4-mapped IPv6 means IPv4, as it does in the addresses of clients; so
/// every other IPv6 network, `::/0` included, is of IPv6 clients alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AllowlistEntry(IpNet);

/// Why a text is no entry of an allowlist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AllowlistEntryError {
    /// It is neither an address nor a network.
    #[error(
        "is neither an address nor a network: use one such as 203.0.113.7, 10.0.0.0/8 or \
         2001:db8::/32"
    )]
    Malformed,
    /// It is an address within a network, and which of the two is meant cannot be told.
    #[error("{entry} has host bits set: use {} or {}", .entry.trunc(), .entry.addr())]
    HostBits {
        /// What was given.
        entry: IpNet,
    },
}

impl AllowlistEntry {
    /// The network; that of a single address has that address alone.
    pub const fn network(self) -> IpNet {
        self.0
    }
}

impl From<IpNet> for AllowlistEntry {
    fn from(network: IpNet) -> Self {
        Self(network)
    }
}

impl fmt::Display for AllowlistEntry {
    /// A single address is written without a prefix length.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() {
            self.0.addr().fmt(f)
        } else {
            self.0.fmt(f)
        }
    }
}

impl FromStr for AllowlistEntry {
    type Err = AllowlistEntryError;

    fn from_str(text: &str) -> Result<Self, AllowlistEntryError> {
        let text = text.trim();
        let entry = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address),
            Err(_) => text.parse().map_err(|_| AllowlistEntryError::Malformed)?,
        };
        let entry = unmapped(entry);
        if entry.addr() == entry.network() {
            Ok(Self(entry))
        } else {
            Err(AllowlistEntryError::HostBits { entry })
        }
    }
}

/// IPv4 where a network lies within the block that stands for it.
fn unmapped(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else {
        return network;
    };
    let within = v6.prefix_len().checked_sub(MAPPED_PREFIX);
    let mapped = v6.addr().to_ipv4_mapped().zip(within);
    let v4 = mapped.and_then(|(address, prefix)| Ipv4Net::new(address, prefix).ok());
    v4.map_or(network, IpNet::V4)
}

/// Whether a client at `address` is in one of the networks.
pub fn is_listed(networks: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    networks.iter().any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests;
