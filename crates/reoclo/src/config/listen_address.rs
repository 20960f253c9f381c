//! What people write behind `--listen`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;

use serde::Deserialize;

/// An address and port, a name and port, or a port alone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct ListenAddress {
    host: Host,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Address(IpAddr),
    Name(String),
    /// `:7676`
    Unsaid,
}

/// It is none of these.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an address to listen on: use 127.0.0.1:7676, [::1]:7676, localhost:7676 or :7676"
)]
pub(crate) struct ListenAddressError(String);

impl FromStr for ListenAddress {
    type Err = ListenAddressError;

    fn from_str(text: &str) -> Result<Self, ListenAddressError> {
        let error = || ListenAddressError(text.to_owned());
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(address.into());
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(error)?;
        let port = port.parse().map_err(|_| error())?;
        let host = match host {
            "" | "*" => Host::Unsaid,
            name if is_name(name) => Host::Name(name.to_owned()),
            _ => return Err(error()),
        };
        Ok(Self { host, port })
    }
}

impl TryFrom<String> for ListenAddress {
    type Error = ListenAddressError;

    fn try_from(text: String) -> Result<Self, ListenAddressError> {
        text.parse()
    }
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self {
            host: Host::Address(address.ip()),
            port: address.port(),
        }
    }
}

impl ListenAddress {
    /// The address to bind. Without a host it is every address where `everywhere` is allowed, and
    /// loopback elsewhere; a name that has both kinds of addresses means its IPv4 one.
    ///
    /// # Errors
    /// When nobody knows the name.
    pub(crate) fn resolve(&self, everywhere: bool) -> Result<SocketAddr, ListenAddressError> {
        let ip = match &self.host {
            Host::Address(ip) => *ip,
            Host::Unsaid if everywhere && has_ipv6() => Ipv6Addr::UNSPECIFIED.into(),
            Host::Unsaid if everywhere => Ipv4Addr::UNSPECIFIED.into(),
            Host::Unsaid => Ipv4Addr::LOCALHOST.into(),
            Host::Name(name) if name.eq_ignore_ascii_case("localhost") => {
                Ipv4Addr::LOCALHOST.into()
            }
            Host::Name(name) => self.look_up(name)?,
        };
        Ok((ip, self.port).into())
    }

    fn look_up(&self, name: &str) -> Result<IpAddr, ListenAddressError> {
        let found = (name, self.port).to_socket_addrs();
        let found: Vec<SocketAddr> = found.map(Iterator::collect).unwrap_or_default();
        let first = found
            .iter()
            .find(|address| address.is_ipv4())
            .or(found.first());
        let unknown = || ListenAddressError(format!("{name}:{}", self.port));
        first.map(SocketAddr::ip).ok_or_else(unknown)
    }
}

fn is_name(text: &str) -> bool {
    text.chars()
        .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_'))
}

/// Whether this machine takes IPv6 at all; one socket then takes both kinds.
fn has_ipv6() -> bool {
    std::net::UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(text: &str, everywhere: bool) -> String {
        let address: ListenAddress = text.parse().unwrap();
        address.resolve(everywhere).unwrap().to_string()
    }

    #[test]
    fn addresses_names_and_ports_are_understood() {
        assert_eq!(bound("192.0.2.1:80", true), "192.0.2.1:80");
        assert_eq!(bound("[::1]:7676", false), "[::1]:7676");
        assert_eq!(bound("localhost:7676", true), "127.0.0.1:7676");
        assert_eq!(bound("LocalHost:0", false), "127.0.0.1:0");
        assert_eq!(bound(":7676", false), "127.0.0.1:7676");
        assert!(matches!(
            bound(":7676", true).as_str(),
            "[::]:7676" | "0.0.0.0:7676"
        ));
    }

    #[test]
    fn what_is_no_address_is_refused_with_what_one_looks_like() {
        for wrong in [
            "",
            "7676",
            "nowhere",
            "localhost:",
            "localhost:x",
            "::1:7676",
            "a b:1",
            "http://x:1",
            ":70000",
        ] {
            let refused = wrong.parse::<ListenAddress>().unwrap_err();
            assert!(refused.to_string().contains("localhost:7676"), "{wrong}");
        }
    }
}
