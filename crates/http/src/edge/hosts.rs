//! Which `Host` is ours (rule 11): a page elsewhere that resolves its own name to this
//! address must not reach it.

use std::net::{IpAddr, SocketAddr};

use http::uri::Authority;
use http::{HeaderMap, Request, header};

use super::{ConnectionInfo, TrustedProxies};

/// The names that this control plane answers to.
#[derive(Clone, Debug, Default)]
pub struct Hosts(Vec<PublicAddress>);

#[derive(Clone, Debug)]
struct PublicAddress {
    host: String,
    port: u16,
    /// What pages of it send as their `Origin`, less a default port.
    origin: String,
}

/// The address that links begin with is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address: use https://host or http://host:port without a path")]
pub struct PublicUrlError(String);

impl Hosts {
    /// Answers to the host of `public_url` besides this machine's own addresses.
    pub fn of_public_url(public_url: &str) -> Result<Self, PublicUrlError> {
        Self::default().and(public_url)
    }

    /// Answers to the host of one more.
    pub fn and(mut self, public_url: &str) -> Result<Self, PublicUrlError> {
        self.0.push(PublicAddress::parse(public_url)?);
        Ok(self)
    }

    /// Whether pages of ours send this `Origin`: the public address's, or that of the `Host` that
    /// the request itself asked.
    pub(crate) fn is_origin(&self, origin: &str, headers: &HeaderMap) -> bool {
        let origin = origin.to_ascii_lowercase();
        let (default, rest) = match origin.split_once("://") {
            Some(("https", rest)) => (":443", rest),
            Some(("http", rest)) => (":80", rest),
            _ => return false,
        };
        let plain = origin.strip_suffix(default).unwrap_or(&origin);
        if self.0.iter().any(|public| public.origin == plain) {
            return true;
        }
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        host.is_some_and(|host| {
            let mut public = self.0.iter();
            let is_public = public.any(|public| host.eq_ignore_ascii_case(&public.host));
            !is_public && host.eq_ignore_ascii_case(rest)
        })
    }

    pub(super) fn serves<B>(
        &self,
        request: &Request<B>,
        connection: Option<&ConnectionInfo>,
        proxies: &TrustedProxies,
    ) -> bool {
        let Some(authority) = authority_of(request) else {
            return false;
        };
        self.is_public(&authority)
            || connection.is_some_and(|connection| {
                is_own(&authority, connection.local) || is_tunnel(&authority, connection, proxies)
            })
    }

    /// Whether the client came to an address of ours that is https.
    pub(super) fn is_https<B>(&self, request: &Request<B>) -> bool {
        let authority = authority_of(request);
        authority.is_some_and(|authority| {
            let mut named = self.0.iter().filter(|public| public.is(&authority));
            named.any(|public| public.origin.starts_with("https://"))
        })
    }

    fn is_public(&self, authority: &Authority) -> bool {
        self.0.iter().any(|public| public.is(authority))
    }
}

impl PublicAddress {
    fn parse(public_url: &str) -> Result<Self, PublicUrlError> {
        let error = || PublicUrlError(public_url.to_owned());
        let uri: http::Uri = public_url.parse().map_err(|_| error())?;
        let port = match uri.scheme_str() {
            Some("https") => 443,
            Some("http") => 80,
            _ => return Err(error()),
        };
        let authority = uri.authority().ok_or_else(error)?;
        let plain = authority.as_str() == host_and_port(authority);
        if !plain || !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(error());
        }
        let host = authority.host().to_ascii_lowercase();
        let scheme = uri.scheme_str().unwrap_or_default();
        let origin = match authority.port_u16() {
            Some(given) if given != port => format!("{scheme}://{host}:{given}"),
            _ => format!("{scheme}://{host}"),
        };
        let port = authority.port_u16().unwrap_or(port);
        Ok(Self { host, port, origin })
    }

    /// A default port may be left out.
    fn is(&self, authority: &Authority) -> bool {
        let given = authority.port_u16();
        authority.host().eq_ignore_ascii_case(&self.host)
            && given.map_or(matches!(self.port, 80 | 443), |given| given == self.port)
    }
}

/// One `Host` header, or the authority of an absolute or HTTP/2 request.
fn authority_of<B>(request: &Request<B>) -> Option<Authority> {
    if let Some(authority) = request.uri().authority() {
        return Some(authority.clone());
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next()?;
    if hosts.next().is_some() {
        return None;
    }
    let authority: Authority = host.to_str().ok()?.parse().ok()?;
    (authority.as_str() == host_and_port(&authority)).then_some(authority)
}

/// The authority without a user name, to tell whether it had one.
fn host_and_port(authority: &Authority) -> String {
    match authority.port() {
        Some(port) => format!("{}:{port}", authority.host()),
        None => authority.host().to_owned(),
    }
}

/// An address literal of this end of the connection, or `localhost` on loopback: no name that
/// somebody else could point here.
fn is_own(authority: &Authority, local: SocketAddr) -> bool {
    let port = authority
        .port_u16()
        .unwrap_or(if local.port() == 443 { 443 } else { 80 });
    let local_ip = local.ip().to_canonical();
    let host = authority.host();
    let literal = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    port == local.port()
        && match literal {
            Ok(address) => address.to_canonical() == local_ip,
            Err(_) => host.eq_ignore_ascii_case("localhost") && local_ip.is_loopback(),
        }
}

/// A loopback name with another port is the other end of a tunnel or of a published port, whose
/// near end is on this machine. No page elsewhere can have such a name.
fn is_tunnel(authority: &Authority, connection: &ConnectionInfo, proxies: &TrustedProxies) -> bool {
    let peer = connection.peer.ip().to_canonical();
    let host = authority.host();
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = match literal.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    };
    is_loopback && peer.is_loopback() && !proxies.trusts(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(public: &str, local: &str, host: &str) -> bool {
        let local = local.parse().unwrap();
        let connection = ConnectionInfo { peer: local, local };
        let request = Request::builder()
            .uri("/")
            .header("host", host)
            .body(())
            .unwrap();
        Hosts::of_public_url(public).unwrap().serves(
            &request,
            Some(&connection),
            &TrustedProxies::default(),
        )
    }

    #[test]
    fn our_own_names_are_served_and_others_are_not() {
        let table = [
            ("127.0.0.1:7676", true),
            ("localhost:7676", true),
            ("LOCALHOST:7676", true),
            ("app.example.com", true),
            ("APP.example.com:443", true),
            ("app.example.com:80", false),
            ("localhost", true),
            ("localhost:7677", true),
            ("127.0.0.2:7676", true),
            ("[::1]:8080", true),
            ("localhost.evil.example", false),
            ("evil.example", false),
            ("evil.example:7676", false),
            ("app.example.com.evil.example", false),
            ("x@localhost:7676", false),
            ("localhost:7676:1", false),
            ("", false),
        ];
        for (host, expected) in table {
            let served = served("https://app.example.com", "127.0.0.1:7676", host);
            assert_eq!(served, expected, "{host}");
        }
    }

    #[test]
    fn an_address_literal_is_ours_when_it_is_this_end() {
        assert!(served(
            "http://127.0.0.1:7676",
            "192.0.2.5:7676",
            "192.0.2.5:7676"
        ));
        assert!(served("http://127.0.0.1:7676", "[::1]:7676", "[::1]:7676"));
        assert!(served("http://127.0.0.1:80", "127.0.0.1:80", "127.0.0.1"));
        assert!(!served(
            "http://127.0.0.1:7676",
            "192.0.2.5:7676",
            "localhost:7676"
        ));
    }

    #[test]
    fn loopback_names_have_any_port_for_a_peer_on_loopback_that_is_no_proxy() {
        let served = |peer: &str, trusted: &[&str], host: &str| {
            let (peer, local) = (peer.parse().unwrap(), "127.0.0.1:7676".parse().unwrap());
            let connection = ConnectionInfo { peer, local };
            let trusted = trusted.iter().map(|network| network.parse().unwrap());
            let proxies = TrustedProxies::new(trusted).unwrap();
            let request = Request::builder().header("host", host).body(()).unwrap();
            let hosts = Hosts::of_public_url("https://app.example.com").unwrap();
            hosts.serves(&request, Some(&connection), &proxies)
        };
        for host in [
            "localhost:8080",
            "127.0.0.1:8080",
            "[::1]:8080",
            "127.0.0.1",
        ] {
            assert!(served("127.0.0.1:5", &[], host), "{host}");
            assert!(served("[::1]:5", &["10.0.0.0/8"], host), "{host}");
            assert!(!served("192.0.2.1:5", &[], host), "{host}");
            assert!(!served("127.0.0.1:5", &["127.0.0.0/8"], host), "{host}");
        }
        assert!(!served("127.0.0.1:5", &[], "192.0.2.1:8080"));
        assert!(!served("127.0.0.1:5", &[], "evil.example:7676"));
    }

    #[test]
    fn several_public_addresses_are_ours_each_with_its_own_scheme() {
        let hosts = Hosts::of_public_url("https://app.example.com").unwrap();
        let hosts = hosts.and("http://reoclo.lan:7676").unwrap();
        let (proxies, none) = (TrustedProxies::default(), None);
        let request = |host: &str| Request::builder().header("host", host).body(()).unwrap();
        for (host, is_https) in [("app.example.com", true), ("reoclo.lan:7676", false)] {
            assert!(hosts.serves(&request(host), none, &proxies), "{host}");
            assert_eq!(hosts.is_https(&request(host)), is_https);
        }
        assert!(!hosts.serves(&request("reoclo.lan"), none, &proxies));
        assert!(!hosts.is_https(&request("evil.example")));
        assert!(hosts.and("reoclo.lan").is_err());
    }

    #[test]
    fn a_request_without_a_host_or_with_two_is_not_served() {
        let local = "127.0.0.1:80".parse().unwrap();
        let connection = ConnectionInfo { peer: local, local };
        let (hosts, proxies) = (Hosts::default(), TrustedProxies::default());
        let none = Request::builder().uri("/").body(()).unwrap();
        assert!(!hosts.serves(&none, Some(&connection), &proxies));
        let two = Request::builder()
            .uri("/")
            .header("host", "127.0.0.1")
            .header("host", "127.0.0.1");
        assert!(!hosts.serves(&two.body(()).unwrap(), Some(&connection), &proxies));
    }

    #[test]
    fn a_public_url_is_an_address_and_nothing_more() {
        for wrong in [
            "",
            "app.example.com",
            "ftp://x",
            "https://x/path",
            "https://u@x",
            "https://x?q",
        ] {
            assert!(Hosts::of_public_url(wrong).is_err(), "{wrong}");
        }
        assert!(Hosts::of_public_url("https://app.example.com/").is_ok());
    }
}
