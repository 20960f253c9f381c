//! The proxy that a network wants its ways out to go through, as curl takes it from the
//! environment.

use std::fmt;
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::uri::Authority;
use http::{HeaderValue, Uri};
use ipnet::IpNet;
use reoclo_domain::Secret;

/// What the environment says about proxies. The first of the names that is set counts; of each,
/// the lower-case spelling comes first.
#[derive(Clone, Default)]
pub struct ProxySettings {
    /// `https_proxy`, and else `all_proxy`: the name of the variable, and what it holds.
    pub proxy: Option<(&'static str, Secret)>,
    /// `no_proxy`.
    pub except: Option<String>,
}

/// Leaves the proxy's address out, which may hold a password.
impl fmt::Debug for ProxySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxySettings")
            .field("is_set", &self.proxy.is_some())
            .finish_non_exhaustive()
    }
}

/// The variables that say which proxy to use, in the order in which they count.
pub const PROXY_VARIABLES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
/// The variables that say what to reach without it.
pub const NO_PROXY_VARIABLES: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// The proxy cannot be used. The message does not repeat its address, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// It is no address.
    #[error("{0} must be the address of a proxy, such as http://proxy.example.com:3128")]
    Malformed(&'static str),
    /// Its scheme is not known.
    #[error("{0} must begin with http:// or https://: other proxies, such as SOCKS, are not known")]
    Scheme(&'static str),
}

/// A proxy to go through.
#[derive(Clone)]
pub(crate) struct Proxy {
    /// Whether the way to the proxy is TLS.
    pub(super) tls: bool,
    /// Without the brackets of IPv6.
    pub(super) host: String,
    pub(super) port: u16,
    /// For `Proxy-Authorization`.
    pub(super) credentials: Option<HeaderValue>,
}

impl Proxy {
    /// The proxy to a host and port, if there is one to go through.
    pub(crate) fn to(
        settings: &ProxySettings,
        host: &str,
        port: u16,
    ) -> Result<Option<Self>, ProxyError> {
        let Some((name, address)) = &settings.proxy else {
            return Ok(None);
        };
        let excepted = settings.except.as_deref().unwrap_or_default();
        if is_this_machine(host) || is_excepted(excepted, host, port) {
            return Ok(None);
        }
        Self::parse(name, address.expose()).map(Some)
    }

    fn parse(name: &'static str, text: &str) -> Result<Self, ProxyError> {
        let text = text.trim();
        let malformed = || ProxyError::Malformed(name);
        // As curl reads it, an address without a scheme is one of HTTP.
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(ProxyError::Scheme(name)),
        };
        let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, rest),
        };
        let place: Authority = place.parse().map_err(|_| malformed())?;
        let host = place.host().trim_matches(['[', ']']).to_owned();
        let has_port = place.as_str().len() > place.host().len();
        if host.is_empty() || (has_port && place.port_u16().is_none()) {
            return Err(malformed());
        }
        let usual = if tls { 443 } else { 1080 };
        Ok(Self {
            tls,
            host,
            port: place.port_u16().unwrap_or(usual),
            credentials: user.map(basic).transpose().map_err(|()| malformed())?,
        })
    }

    /// As messages and the `Host` header have it.
    pub(super) fn authority(&self) -> String {
        authority(&self.host, self.port)
    }
}

/// A host and port as they stand in a request.
pub(super) fn authority(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// What a CONNECT asks for.
pub(super) fn target(host: &str, port: u16) -> Result<Uri, http::Error> {
    Uri::builder().authority(authority(host, port)).build()
}

/// `user:password`, each percent-encoded, for RFC 7617.
fn basic(user: &str) -> Result<HeaderValue, ()> {
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    let (name, password) = (decoded(name).ok_or(())?, decoded(password).ok_or(())?);
    let pair = [&name[..], b":", &password].concat();
    let value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair)));
    let mut value = value.map_err(|_| ())?;
    value.set_sensitive(true);
    Ok(value)
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next()?, bytes.next()?];
            let digits = std::str::from_utf8(&digits).ok()?;
            decoded.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    Some(decoded)
}

fn is_this_machine(host: &str) -> bool {
    let name = host.trim_end_matches('.');
    name.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// Whether a list names a host: `*`, a name with all below it, an address, a network, and each of
/// them with a port or without.
fn is_excepted(list: &str, host: &str, port: u16) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let ip = host.parse::<IpAddr>().ok().map(|ip| ip.to_canonical());
    list.split([',', ' ', '\t', '\n'])
        .filter(|entry| !entry.is_empty())
        .any(|entry| names(&entry.to_ascii_lowercase(), &host, ip, port))
}

fn names(entry: &str, host: &str, ip: Option<IpAddr>, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    let (entry, wanted) = without_port(entry);
    if wanted.is_some_and(|wanted| wanted != port) {
        return false;
    }
    if let Some(ip) = ip {
        let network = entry.parse::<IpNet>().ok();
        let single = entry.parse::<IpAddr>().ok().map(|ip| ip.to_canonical());
        return single == Some(ip) || network.is_some_and(|network| network.contains(&ip));
    }
    let name = entry.strip_prefix("*.").unwrap_or(entry);
    let name = name.trim_start_matches('.').trim_end_matches('.');
    if name.is_empty() {
        return false;
    }
    host == name
        || host
            .strip_suffix(name)
            .is_some_and(|rest| rest.ends_with('.'))
}

/// An entry and the port behind it. An IPv6 address with a port stands in brackets.
fn without_port(entry: &str) -> (&str, Option<u16>) {
    if let Some(rest) = entry.strip_prefix('[') {
        let (inside, behind) = rest.split_once(']').unwrap_or((rest, ""));
        return (
            inside,
            behind.strip_prefix(':').and_then(|port| port.parse().ok()),
        );
    }
    match entry.split_once(':') {
        Some((host, port)) if !port.contains(':') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(proxy: &str, except: &str) -> ProxySettings {
        ProxySettings {
            proxy: Some(("https_proxy", Secret::new(proxy))),
            except: Some(except.to_owned()),
        }
    }

    fn is_used(except: &str, host: &str) -> bool {
        let proxy = Proxy::to(&settings("http://p:3128", except), host, 443);
        proxy.unwrap().is_some()
    }

    #[test]
    fn an_address_is_read_as_curl_reads_it() {
        let read = |text: &str| {
            let proxy = Proxy::parse("https_proxy", text).unwrap();
            (proxy.tls, proxy.authority())
        };
        assert_eq!(
            read("http://proxy.example.com:3128"),
            (false, "proxy.example.com:3128".into())
        );
        assert_eq!(read("proxy:8080/"), (false, "proxy:8080".into()));
        assert_eq!(read("proxy"), (false, "proxy:1080".into()));
        assert_eq!(
            read("https://[2001:db8::1]"),
            (true, "[2001:db8::1]:443".into())
        );
        for wrong in [
            "",
            "http://",
            "http://proxy:port",
            "http://a b",
            "http://u%zz@p:1",
        ] {
            let error = Proxy::parse("HTTPS_PROXY", wrong).err();
            assert_eq!(error, Some(ProxyError::Malformed("HTTPS_PROXY")), "{wrong}");
        }
        let socks = Proxy::parse("ALL_PROXY", "socks5h://me:secret@proxy")
            .err()
            .unwrap();
        assert_eq!(socks, ProxyError::Scheme("ALL_PROXY"));
        assert!(!socks.to_string().contains("secret"));
    }

    #[test]
    fn a_user_and_a_password_are_decoded() {
        let of = |text: &str| {
            let credentials = Proxy::parse("https_proxy", text).unwrap().credentials;
            credentials.map(|value| value.to_str().unwrap().to_owned())
        };
        let expected = format!("Basic {}", STANDARD.encode("me@corp:a:b%"));
        assert_eq!(of("http://me%40corp:a:b%25@proxy:1").unwrap(), expected);
        assert_eq!(of("http://me@proxy:1").unwrap(), "Basic bWU6");
        assert_eq!(of("http://proxy:1"), None);
    }

    #[test]
    fn what_is_excepted_is_reached_without_a_proxy() {
        for (except, host) in [
            ("*", "reoclo.example.com"),
            ("example.com", "example.com"),
            ("example.com", "reoclo.EXAMPLE.com."),
            (".example.com", "reoclo.example.com"),
            ("*.example.com", "reoclo.example.com"),
            ("other, reoclo.example.com:443", "reoclo.example.com"),
            ("10.0.0.0/8", "10.1.2.3"),
            ("10.1.2.3", "10.1.2.3"),
            ("10.0.0.0/8:443", "10.1.2.3"),
            ("fd00::/8", "fd00::5"),
            ("[fd00::5]:443", "fd00::5"),
            ("fd00::5", "fd00::5"),
            ("", "localhost"),
            ("", "127.0.0.9"),
            ("", "::1"),
        ] {
            assert!(!is_used(except, host), "{except:?} {host}");
        }
    }

    #[test]
    fn what_is_not_excepted_is_reached_through_it() {
        for (except, host) in [
            ("", "reoclo.example.com"),
            ("ample.com", "example.com"),
            ("example.com.evil", "example.com"),
            ("reoclo.example.com:8443", "reoclo.example.com"),
            ("10.0.0.0/8", "11.1.2.3"),
            ("10.0.0.0/8", "10.example.com"),
            (".", "example.com"),
            ("fd00::/8", "fe00::5"),
        ] {
            assert!(is_used(except, host), "{except:?} {host}");
        }
        let nothing = Proxy::to(&ProxySettings::default(), "example.com", 443).unwrap();
        assert!(nothing.is_none());
    }

    #[test]
    fn a_password_is_not_shown() {
        let settings = settings("http://me:secret@proxy", "");
        assert!(!format!("{settings:?}").contains("secret"));
    }
}
