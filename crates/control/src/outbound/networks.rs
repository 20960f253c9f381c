//! Which addresses may be reached.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reoclo_domain::{AllowlistEntry, AllowlistEntryError, is_listed};

/// The public network, and what else is allowed (ADR 15).
#[derive(Clone, Debug, Default)]
pub(crate) struct Networks {
    /// By whoever runs the instance.
    allowed: Vec<IpNet>,
    /// By an admin of the organization; none where admins may trust nothing.
    trusted: Option<Vec<IpNet>>,
}

/// Whether a request may go to an address, or who could allow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// It may.
    Reached,
    /// An admin of the organization could trust its network.
    Private,
    /// Only whoever runs the instance could allow it.
    Never,
}

/// A network that an organization may trust: a private one, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TrustedNetwork(pub(crate) IpNet);

/// Why a text is no network to trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TrustedNetworkError {
    #[error(transparent)]
    Entry(#[from] AllowlistEntryError),
    #[error("is on the public network, which needs no entry: leave it out")]
    Public,
    #[error(
        "is not a private network: only whoever runs this Reoclo can allow the machine itself, \
         link-local and metadata addresses, with --allow-outbound"
    )]
    Never,
    #[error("is more than a private network: name the part of it that is yours")]
    Wide,
}

/// Networks that are not public (RFC 6890 and the registry behind it), and one public address that
/// every machine of one provider takes for its metadata.
const RESERVED_V4: [Ipv4Net; 17] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([168, 63, 129, 16], 32),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 31, 196, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
];

/// What has been given out of IPv6.
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// The parts of it that are not public: protocols' own, documentation, and tunnels to IPv4.
const RESERVED_V6: [Ipv6Net; 4] = [
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
];

/// What organizations number their own machines with (RFC 1918, RFC 6598, RFC 4193).
const PRIVATE_V4: [Ipv4Net; 4] = [
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([172, 16, 0, 0], 12),
    v4([192, 168, 0, 0], 16),
];
const PRIVATE_V6: Ipv6Net = v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7);

/// Where providers give machines their credentials, within what is private.
const METADATA_V4: Ipv4Net = v4([100, 100, 100, 200], 32);
const METADATA_V6: [Ipv6Net; 3] = [
    v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0], 32),
    v6([0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42], 128),
    v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128),
];

/// How IPv4 addresses look where there is IPv6 alone (RFC 6052).
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);

const fn v4(octets: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::from_octets(octets), prefix)
}

const fn v6(segments: [u16; 8], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::from_segments(segments), prefix)
}

impl Networks {
    /// The public network, what the instance allows, and what an organization trusts if it may.
    pub(crate) fn new(allowed: &[IpNet], trusted: Option<Vec<IpNet>>) -> Self {
        Self {
            allowed: allowed.to_vec(),
            trusted,
        }
    }

    /// Whether a request may go to this address. IPv4 within IPv6 is IPv4.
    pub(crate) fn reach(&self, address: IpAddr) -> Reach {
        let canonical = address.to_canonical();
        let meant = meant(canonical);
        let trusted = self.trusted.as_ref().filter(|_| is_private(meant));
        let is_trusted = trusted.is_some_and(|trusted| is_listed(trusted, meant));
        if is_listed(&self.allowed, canonical) {
            Reach::Reached
        } else if is_own(meant) {
            Reach::Never
        } else if is_public(meant) || is_trusted {
            Reach::Reached
        } else if trusted.is_some() {
            Reach::Private
        } else {
            Reach::Never
        }
    }
}

impl FromStr for TrustedNetwork {
    type Err = TrustedNetworkError;

    fn from_str(text: &str) -> Result<Self, TrustedNetworkError> {
        let network = text.parse::<AllowlistEntry>()?.network();
        let is_within = match &network {
            IpNet::V4(net) => PRIVATE_V4.iter().any(|private| private.contains(net)),
            IpNet::V6(net) => PRIVATE_V6.contains(net),
        };
        let (first, last) = (network.network(), network.broadcast());
        if is_within && (is_private(first) || is_private(last)) {
            Ok(Self(network))
        } else if is_within {
            Err(TrustedNetworkError::Never)
        } else if is_public(first) && is_public(last) && !holds_private(network) {
            Err(TrustedNetworkError::Public)
        } else if holds_private(network) {
            Err(TrustedNetworkError::Wide)
        } else {
            Err(TrustedNetworkError::Never)
        }
    }
}

fn holds_private(network: IpNet) -> bool {
    match network {
        IpNet::V4(net) => PRIVATE_V4.iter().any(|private| net.contains(private)),
        IpNet::V6(net) => net.contains(&PRIVATE_V6),
    }
}

/// The IPv4 address that one of NAT64 stands for.
fn meant(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) if NAT64.contains(&address) => {
            let [.., a, b, c, d] = address.octets();
            Ipv4Addr::new(a, b, c, d).into()
        }
        address => address,
    }
}

/// Whether the address is one of this machine's. The kernel chooses it as the source of what goes
/// to it, and tells so without anything being sent.
fn is_own(address: IpAddr) -> bool {
    let any: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let source = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect((address, 9))?;
        socket.local_addr()
    });
    source.is_ok_and(|source| source.ip().to_canonical() == address)
}

/// Private and no provider's metadata.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            PRIVATE_V4.iter().any(|net| net.contains(&address)) && !METADATA_V4.contains(&address)
        }
        IpAddr::V6(address) => {
            PRIVATE_V6.contains(&address) && !METADATA_V6.iter().any(|net| net.contains(&address))
        }
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !RESERVED_V4.iter().any(|net| net.contains(&address)),
        IpAddr::V6(address) => {
            GLOBAL_V6.contains(&address) && !RESERVED_V6.iter().any(|net| net.contains(&address))
        }
    }
}

#[cfg(test)]
mod tests;
