//! The control plane's address.

use std::net::IpAddr;

use http::Uri;
use http::uri::Scheme;

/// The address cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is not a URL.
    #[error("{0:?} is not a URL such as https://reoclo.example.com")]
    Malformed(String),
    /// Its scheme is not known.
    #[error("the control plane's URL must begin with https://, or with http:// for this machine")]
    Scheme,
    /// It holds a user name, a password or a query.
    #[error("the control plane's URL must not hold a user name, a password or a query")]
    Extra,
    /// It is plaintext and leaves this machine.
    #[error("http:// and ws:// are only for this machine (localhost, 127.0.0.1): use https://")]
    Plaintext,
}

/// Where the control plane is, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) tls: bool,
    /// Without the brackets of IPv6.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// As in the `Host` header.
    pub(crate) authority: String,
    /// What the paths of requests begin with; empty, or `/prefix`.
    pub(crate) prefix: String,
}

impl Address {
    pub(crate) fn parse(text: &str) -> Result<Self, AddressError> {
        let malformed = || AddressError::Malformed(text.to_owned());
        let uri: Uri = text.trim().parse().map_err(|_| malformed())?;
        let tls = is_tls(uri.scheme().ok_or_else(malformed)?)?;
        let authority = uri.authority().ok_or_else(malformed)?;
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err(AddressError::Extra);
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        if host.is_empty() {
            return Err(malformed());
        }
        if !tls && !is_this_machine(&host) {
            return Err(AddressError::Plaintext);
        }
        Ok(Self {
            tls,
            host,
            port: authority.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            authority: authority.as_str().to_owned(),
            prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// The address of `path` as a WebSocket.
    pub(crate) fn websocket(&self, path: &str) -> String {
        let scheme = if self.tls { "wss" } else { "ws" };
        format!("{scheme}://{}{}{path}", self.authority, self.prefix)
    }
}

fn is_tls(scheme: &Scheme) -> Result<bool, AddressError> {
    match scheme.as_str() {
        "https" | "wss" => Ok(true),
        "http" | "ws" => Ok(false),
        _ => Err(AddressError::Scheme),
    }
}

/// By name alone; what `localhost` resolves to is checked again when it is dialled.
fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found() {
        let address = Address::parse("https://reoclo.example.com/base/").unwrap();
        assert_eq!((address.port, address.prefix.as_str()), (443, "/base"));
        assert_eq!(
            address.websocket("/runner/v1/connect"),
            "wss://reoclo.example.com/base/runner/v1/connect"
        );
        let address = Address::parse("http://[::1]:7676").unwrap();
        assert_eq!((address.host.as_str(), address.port), ("::1", 7676));
        assert_eq!(address.websocket("/x"), "ws://[::1]:7676/x");
        assert!(Address::parse("ws://LOCALHOST:1").is_ok());
        assert!(Address::parse("http://127.0.0.53").is_ok());
    }

    #[test]
    fn what_is_unsafe_or_no_url_is_refused() {
        for plaintext in [
            "http://reoclo.example.com",
            "ws://10.0.0.1:7676",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://0.0.0.0:7676",
        ] {
            assert_eq!(Address::parse(plaintext), Err(AddressError::Plaintext));
        }
        assert_eq!(Address::parse("ftp://a"), Err(AddressError::Scheme));
        assert_eq!(Address::parse("https://a:b@c"), Err(AddressError::Extra));
        assert_eq!(
            Address::parse("https://c/?token=x"),
            Err(AddressError::Extra)
        );
        for malformed in ["", "reoclo.example.com", "https://", "https:// a", "/path"] {
            assert!(
                matches!(Address::parse(malformed), Err(AddressError::Malformed(_))),
                "{malformed}"
            );
        }
    }
}
