use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// What `docker login` calls Docker Hub.
const DOCKER_HUB_LOGIN: &str = "https://index.docker.io/v1/";

/// Where Docker Hub answers the registry API.
const DOCKER_HUB_API: &str = "registry-1.docker.io";

/// The port that https has when none is named.
const HTTPS: u16 = 443;

/// The names by which people mean Docker Hub.
const DOCKER_HUB_HOSTS: [&str; 5] = [
    "docker.io",
    "index.docker.io",
    DOCKER_HUB_API,
    "registry.hub.docker.com",
    "hub.docker.com",
];

/// Where a registry is: `[https://|http://]host[:port][/path]`, in a form that no program on the
/// way can take for anything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryAddress {
    text: String,
    plaintext: Option<bool>,
    host: String,
    port: Option<u16>,
}

/// Why a text is no address of a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum RegistryAddressError {
    #[error("must not be empty")]
    Empty,
    #[error("must be at most 255 characters")]
    TooLong,
    #[error("must consist of letters, digits and . - _ ~ : / alone")]
    Character,
    #[error("must begin with https://, with http:// or with the host itself")]
    Scheme,
    #[error("must not hold a user name or password: they have fields of their own")]
    UserInfo,
    #[error("must name a host: a domain such as registry.example.com, or an IP address")]
    Host,
    #[error("must have a port from 1 to 65535, or none")]
    Port,
    #[error("must have a path of plain segments, or none")]
    Path,
}

use RegistryAddressError as Error;

impl RegistryAddress {
    const MAX_LEN: usize = 255;

    /// The address as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What `docker login` and `docker logout` take: the host and port, by which Docker files a
    /// login whatever the scheme and path; Docker Hub has a name of its own.
    pub fn login_name(&self) -> String {
        if self.is_docker_hub() {
            return DOCKER_HUB_LOGIN.to_owned();
        }
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    /// What this registry is called however people and programs spell it: the host, and the port
    /// unless it is that of https.
    pub fn canonical_name(&self) -> String {
        if self.is_docker_hub() {
            return DOCKER_HUB_HOSTS[0].to_owned();
        }
        canonical(&self.host, self.port)
    }

    /// Whether a name under which a program filed a login means this registry, whatever scheme,
    /// path, port or letters it has.
    pub fn is_filed_as(&self, name: &str) -> bool {
        filed_as(name).is_some_and(|filed| filed == self.canonical_name())
    }

    /// The host in lower case; an IPv6 address stands in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The host that answers the registry API.
    pub fn api_host(&self) -> &str {
        if self.is_docker_hub() {
            DOCKER_HUB_API
        } else {
            &self.host
        }
    }

    /// The port, where one is named.
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether the address says `http://`; none when it does not say.
    pub const fn plaintext(&self) -> Option<bool> {
        self.plaintext
    }

    /// Whether it is Docker Hub, by any of its names.
    pub fn is_docker_hub(&self) -> bool {
        is_docker_hub(&self.host, self.port)
    }
}

impl fmt::Display for RegistryAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for RegistryAddress {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        check_characters(text)?;
        let (plaintext, rest) = split_scheme(text)?;
        let (authority, path) = match rest.split_once('/') {
            Some((authority, path)) => (authority, path),
            None => (rest, ""),
        };
        check_path(path)?;
        let (host, port) = split_port(authority)?;
        Ok(Self {
            text: text.to_owned(),
            plaintext,
            host: host_in_lower_case(host)?,
            port,
        })
    }
}

/// The registry that a filed name means. Such names are anybody's, so they are read leniently: one
/// that was taken for another would only be a login that stays.
fn filed_as(name: &str) -> Option<String> {
    let lower = name.trim().to_ascii_lowercase();
    let rest = ["https://", "http://"]
        .iter()
        .find_map(|scheme| lower.strip_prefix(scheme))
        .unwrap_or(&lower);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (_, authority) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (host, port) = split_port(authority).ok()?;
    let host = host.strip_suffix('.').unwrap_or(host);
    if host.is_empty() {
        return None;
    }
    if is_docker_hub(host, port) {
        return Some(DOCKER_HUB_HOSTS[0].to_owned());
    }
    Some(canonical(host, port))
}

fn canonical(host: &str, port: Option<u16>) -> String {
    let address = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .and_then(|text| text.parse::<Ipv6Addr>().ok());
    let host = address.map_or_else(|| host.to_owned(), |address| format!("[{address}]"));
    match port {
        None | Some(HTTPS) => host,
        Some(port) => format!("{host}:{port}"),
    }
}

fn is_docker_hub(host: &str, port: Option<u16>) -> bool {
    port.is_none_or(|port| port == HTTPS) && DOCKER_HUB_HOSTS.contains(&host)
}

fn check_characters(text: &str) -> Result<(), Error> {
    if text.is_empty() {
        return Err(Error::Empty);
    }
    if text.chars().count() > RegistryAddress::MAX_LEN {
        return Err(Error::TooLong);
    }
    if text.contains('@') {
        return Err(Error::UserInfo);
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_~:/[]".contains(&byte);
    if text.bytes().all(allowed) {
        Ok(())
    } else {
        Err(Error::Character)
    }
}

fn split_scheme(text: &str) -> Result<(Option<bool>, &str), Error> {
    match text.split_once("://") {
        None => Ok((None, text)),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => Ok((Some(false), rest)),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => Ok((Some(true), rest)),
        Some(_) => Err(Error::Scheme),
    }
}

/// No segment is empty, but for the one behind a slash at the end, and none leads elsewhere.
fn check_path(path: &str) -> Result<(), Error> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let plain = |segment: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_~".contains(&byte);
        !segment.is_empty() && segment.bytes().all(allowed) && !matches!(segment, "." | "..")
    };
    if path.is_empty() || path.split('/').all(plain) {
        Ok(())
    } else {
        Err(Error::Path)
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), Error> {
    // The colons of an IPv6 address stand within its brackets.
    let after_brackets = authority.rfind(']').map_or(0, |end| end + 1);
    if authority.starts_with('[') && after_brackets == 0 {
        return Err(Error::Host);
    }
    let Some((host, port)) = authority[after_brackets..].split_once(':') else {
        return Ok((authority, None));
    };
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let number = port.parse::<u16>().ok().filter(|number| *number != 0);
    match number.filter(|_| digits && !port.starts_with('0')) {
        Some(number) => Ok((&authority[..after_brackets + host.len()], Some(number))),
        None => Err(Error::Port),
    }
}

fn host_in_lower_case(host: &str) -> Result<String, Error> {
    let inside = host.strip_prefix('[').map(|rest| rest.strip_suffix(']'));
    let valid = match inside {
        Some(address) => address.is_some_and(|text| text.parse::<Ipv6Addr>().is_ok()),
        None => is_domain(host),
    };
    if valid {
        Ok(host.to_ascii_lowercase())
    } else {
        Err(Error::Host)
    }
}

/// Labels of letters, digits and dashes, as in the names of images. A name whose last label is a
/// number is an IPv4 address in its one plain form: programs read `0x7f.1` in several ways.
fn is_domain(host: &str) -> bool {
    let label = |label: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len())
            && label.bytes().all(allowed)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    let numeric = last.starts_with(|first: char| first.is_ascii_digit())
        && (last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x"));
    host.split('.').all(label) && (!numeric || host.parse::<Ipv4Addr>().is_ok())
}

#[cfg(test)]
mod tests;
