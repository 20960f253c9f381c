//! Which `Host` is ours (DESIGN rule 11): a page elsewhere that resolves its own name to this
//! address must not reach it.

use std::net::{IpAddr, SocketAddr};

use http::uri::Authority;
use http::{HeaderMap, Request, header};

use super::ConnectionInfo;

/// The names that this control plane answers to.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    public: Option<(String, u16)>,
    /// What pages of the public address send as their `Origin`, less a default port.
    public_origin: Option<String>,
}

/// The address that links begin with is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address: use https://host or http://host:port without a path")]
pub struct PublicUrlError(String);

impl Hosts {
    /// Answers to the host of `public_url` besides this machine's own addresses.
    pub fn of_public_url(public_url: &str) -> Result<Self, PublicUrlError> {
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
        Ok(Self {
            public: Some((host, port)),
            public_origin: Some(origin),
        })
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
        if self.public_origin.as_deref() == Some(plain) {
            return true;
        }
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        host.is_some_and(|host| {
            let is_public = self
                .public
                .as_ref()
                .is_some_and(|(public, _)| host.eq_ignore_ascii_case(public));
            !is_public && host.eq_ignore_ascii_case(rest)
        })
    }

    pub(super) fn serves<B>(
        &self,
        request: &Request<B>,
        connection: Option<&ConnectionInfo>,
    ) -> bool {
        let Some(authority) = authority_of(request) else {
            return false;
        };
        self.is_public(&authority)
            || connection.is_some_and(|connection| is_own(&authority, connection.local))
    }

    /// A default port may be left out.
    fn is_public(&self, authority: &Authority) -> bool {
        self.public.as_ref().is_some_and(|(host, port)| {
            let given = authority.port_u16();
            authority.host().eq_ignore_ascii_case(host)
                && given.map_or(matches!(port, 80 | 443), |given| given == *port)
        })
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
        Hosts::of_public_url(public)
            .unwrap()
            .serves(&request, Some(&connection))
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
            ("localhost", false),
            ("localhost:7677", false),
            ("127.0.0.2:7676", false),
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
    fn a_request_without_a_host_or_with_two_is_not_served() {
        let local = "127.0.0.1:80".parse().unwrap();
        let connection = ConnectionInfo { peer: local, local };
        let hosts = Hosts::default();
        let none = Request::builder().uri("/").body(()).unwrap();
        assert!(!hosts.serves(&none, Some(&connection)));
        let two = Request::builder()
            .uri("/")
            .header("host", "127.0.0.1")
            .header("host", "127.0.0.1");
        assert!(!hosts.serves(&two.body(()).unwrap(), Some(&connection)));
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
