//! The client's address.

use std::net::IpAddr;

use http::HeaderMap;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Proxies whose `X-Forwarded-For` is believed; nobody's by default.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

/// A network that holds more than proxies of one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} is more than anybody's own proxies, so whoever connects could say that they are somebody \
     else: name the addresses of your proxies"
)]
pub struct TooWideError(IpNet);

/// Of IPv4, all networks together may have as many addresses as sixteen times 10.0.0.0/8.
const MOST_IPV4: u64 = 1 << 28;
const LEAST_PREFIX_IPV4: u8 = 7;
const LEAST_PREFIX_IPV6: u8 = 16;
/// Addresses of one's own (RFC 4193) and of one's own link.
const OWN_IPV6: [&str; 2] = ["fc00::/7", "fe80::/10"];
const MAPPED_PREFIX: u8 = 96;

impl TrustedProxies {
    /// Trusts the proxies of these networks. One of IPv4-mapped addresses is the IPv4 network.
    ///
    /// # Errors
    /// When one of them, or all together, hold so much that strangers are in it.
    pub fn new(networks: impl IntoIterator<Item = IpNet>) -> Result<Self, TooWideError> {
        let networks: Vec<IpNet> = networks.into_iter().map(canonical).collect();
        let networks = IpNet::aggregate(&networks);
        let mut ipv4 = 0;
        for network in &networks {
            let is_wide = match network {
                IpNet::V4(network) => {
                    ipv4 += 1_u64 << (32 - network.prefix_len());
                    network.prefix_len() < LEAST_PREFIX_IPV4 || ipv4 > MOST_IPV4
                }
                IpNet::V6(network) => network.prefix_len() < LEAST_PREFIX_IPV6 && !is_own(network),
            };
            if is_wide {
                return Err(TooWideError(*network));
            }
        }
        Ok(Self(networks))
    }

    /// The peer, unless it is a trusted proxy: then the right-most address of `X-Forwarded-For`
    /// that is none. A header that does not parse is ignored from the bad entry on leftwards.
    pub fn client_address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.trusts(peer) {
            return peer;
        }
        let mut client = peer;
        for entry in forwarded_from_the_right(headers) {
            let Some(address) = parse(entry) else { break };
            client = address;
            if !self.trusts(address) {
                break;
            }
        }
        client
    }

    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

fn forwarded_from_the_right(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .map(|value| value.to_str().unwrap_or_default())
        .collect();
    values.into_iter().rev().flat_map(|value| value.rsplit(','))
}

/// An address as proxies write it: bare, in brackets, or with a port.
fn parse(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let address = entry
        .parse::<IpAddr>()
        .ok()
        .or_else(|| {
            entry
                .parse::<std::net::SocketAddr>()
                .ok()
                .map(|socket| socket.ip())
        })
        .or_else(|| entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok())?;
    Some(address.to_canonical())
}

/// A network that holds mapped addresses holds those that they stand for.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(network) = network else {
        return network.trunc();
    };
    let mapped = Ipv6Net::new_assert(
        std::net::Ipv4Addr::UNSPECIFIED.to_ipv6_mapped(),
        MAPPED_PREFIX,
    );
    if network.contains(&mapped) {
        return IpNet::V4(Ipv4Net::default());
    }
    match network.network().to_ipv4_mapped() {
        Some(address) if network.prefix_len() >= MAPPED_PREFIX => {
            IpNet::V4(Ipv4Net::new_assert(address, network.prefix_len() - MAPPED_PREFIX).trunc())
        }
        _ => IpNet::V6(network.trunc()),
    }
}

fn is_own(network: &Ipv6Net) -> bool {
    OWN_IPV6
        .iter()
        .filter_map(|own| own.parse::<Ipv6Net>().ok())
        .any(|own| own.contains(network))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn trusting(networks: &[&str]) -> Result<TrustedProxies, TooWideError> {
        TrustedProxies::new(networks.iter().map(|network| network.parse().unwrap()))
    }

    #[test]
    fn networks_of_strangers_are_refused_however_they_are_written() {
        for wide in [
            &["0.0.0.0/0"][..],
            &["::/0"],
            &["::ffff:0:0/96"],
            &["::/64"],
            &["0.0.0.0/1", "128.0.0.0/1"],
            &["::ffff:0.0.0.0/97", "::ffff:128.0.0.0/97"],
            &["10.0.0.0/8", "1.2.3.4/1"],
            &["::/1", "8000::/1"],
            &["2000::/3"],
            &[
                "16.0.0.0/7",
                "32.0.0.0/7",
                "48.0.0.0/7",
                "64.0.0.0/7",
                "80.0.0.0/7",
                "96.0.0.0/7",
                "112.0.0.0/7",
                "128.0.0.0/7",
                "144.0.0.0/7",
            ],
        ] {
            assert!(trusting(wide).is_err(), "{wide:?}");
        }
        for own in [
            &[
                "10.0.0.0/8",
                "172.16.0.0/12",
                "192.168.0.0/16",
                "fc00::/7",
                "fe80::/10",
            ][..],
            &["203.0.113.7/32", "2001:db8::/32", "2400:cb00::/32"],
            &[],
        ] {
            assert!(trusting(own).is_ok(), "{own:?}");
        }
    }

    #[test]
    fn a_network_of_mapped_addresses_is_the_network_itself() {
        let trusted = ["::ffff:10.0.0.0/104"];
        assert_eq!(
            seen(&trusted, "10.0.0.1", &["198.51.100.7"]),
            "198.51.100.7"
        );
        assert_eq!(
            seen(&trusted, "::ffff:10.0.0.1", &["198.51.100.7"]),
            "198.51.100.7"
        );
        assert_eq!(seen(&trusted, "11.0.0.1", &["198.51.100.7"]), "11.0.0.1");
    }

    fn seen(trusted: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let proxies = trusting(trusted).unwrap();
        proxies
            .client_address(peer.parse().unwrap(), &headers)
            .to_string()
    }

    #[test]
    fn without_trusted_proxies_the_header_is_never_believed() {
        assert_eq!(seen(&[], "203.0.113.9", &["10.0.0.1"]), "203.0.113.9");
        assert_eq!(
            seen(&["10.0.0.0/8"], "203.0.113.9", &["10.0.0.1"]),
            "203.0.113.9"
        );
    }

    #[test]
    fn the_right_most_address_that_is_no_proxy_counts() {
        let trusted = ["10.0.0.0/8", "2001:db8::/32"];
        let table = [
            ("10.0.0.1", vec!["198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", vec!["1.2.3.4, 198.51.100.7"], "198.51.100.7"),
            (
                "10.0.0.1",
                vec!["1.2.3.4, 198.51.100.7, 10.9.9.9"],
                "198.51.100.7",
            ),
            ("10.0.0.1", vec!["1.2.3.4", "198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", vec!["198.51.100.7:4711"], "198.51.100.7"),
            ("10.0.0.1", vec!["[2001:db9::1]:4711"], "2001:db9::1"),
            ("10.0.0.1", vec!["[2001:db9::1]"], "2001:db9::1"),
            ("2001:db8::1", vec!["2001:db9::1"], "2001:db9::1"),
            ("10.0.0.1", vec![], "10.0.0.1"),
            ("10.0.0.1", vec![""], "10.0.0.1"),
            ("10.0.0.1", vec!["198.51.100.7, nonsense"], "10.0.0.1"),
            ("10.0.0.1", vec!["unknown, 10.2.2.2"], "10.2.2.2"),
            (
                "::ffff:10.0.0.1",
                vec!["::ffff:198.51.100.7"],
                "198.51.100.7",
            ),
            ("10.0.0.1", vec!["10.3.3.3, 10.2.2.2"], "10.3.3.3"),
        ];
        for (peer, forwarded, expected) in table {
            assert_eq!(
                seen(&trusted, peer, &forwarded),
                expected,
                "{peer} {forwarded:?}"
            );
        }
    }

    #[test]
    fn a_mapped_address_is_the_address_itself() {
        assert_eq!(seen(&[], "::ffff:192.0.2.1", &[]), "192.0.2.1");
    }

    proptest! {
        #[test]
        fn whatever_an_untrusted_peer_sends_it_is_the_peer(forwarded in "[ -~]{0,60}") {
            prop_assert_eq!(seen(&["10.0.0.0/8"], "203.0.113.9", &[&forwarded]), "203.0.113.9");
        }
    }
}
