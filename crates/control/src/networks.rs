//! The networks that an address is in, since whoever attacks has more than one address.

use std::net::IpAddr;

use ipnet::IpNet;

/// How many networks an address is in, from the widest to its own.
pub(crate) const LEVELS: usize = 3;
/// The place of an address's own network among them.
pub(crate) const OWN: usize = LEVELS - 1;

const OF_IPV4: [u8; LEVELS] = [16, 24, 32];
/// Whoever has an IPv6 address usually has its /64, and may have its /48.
const OF_IPV6: [u8; LEVELS] = [32, 48, 64];

/// A network by its first address; without one, from wherever.
pub(crate) type Network = Option<IpAddr>;

/// The networks of an address, the widest first. What has no address is a network of its own.
pub(crate) fn networks(address: Option<IpAddr>) -> [Network; LEVELS] {
    let address = address.map(|address| address.to_canonical());
    let Some(address) = address else {
        return [None; LEVELS];
    };
    let lengths = match address {
        IpAddr::V4(_) => OF_IPV4,
        IpAddr::V6(_) => OF_IPV6,
    };
    lengths.map(|length| {
        let network = IpNet::new(address, length).map(|network| network.network());
        Some(network.unwrap_or(address))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_networks_that_grow() {
        let of = |text: &str| {
            let networks = networks(Some(text.parse().unwrap()));
            networks.map(|network| network.unwrap().to_string())
        };
        assert_eq!(
            of("203.0.113.9"),
            ["203.0.0.0", "203.0.113.0", "203.0.113.9"]
        );
        assert_eq!(of("::ffff:203.0.113.9"), of("203.0.113.9"));
        assert_eq!(
            of("2001:db8:1:2:3::4"),
            ["2001:db8::", "2001:db8:1::", "2001:db8:1:2::"]
        );
        assert_eq!(networks(None), [None; LEVELS]);
    }
}
