//! Where a request goes.

use http::Uri;

const MAX_LEN: usize = 2048;

/// An absolute `http` or `https` URL without a user, a password or a fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutboundUrl {
    pub(super) plaintext: bool,
    /// An IPv6 address stands in brackets.
    host: String,
    port: Option<u16>,
    path_and_query: String,
}

impl OutboundUrl {
    /// The path of a host that was checked.
    pub(crate) fn new(plaintext: bool, host: &str, port: Option<u16>, path: &str) -> Self {
        Self {
            plaintext,
            host: host.to_owned(),
            port,
            path_and_query: path.to_owned(),
        }
    }

    /// Reads a URL that a server sent.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_LEN {
            return None;
        }
        let uri: Uri = text.parse().ok()?;
        let plaintext = match uri.scheme_str()? {
            "https" => false,
            "http" => true,
            _ => return None,
        };
        let authority = uri.authority()?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return None;
        }
        // An authority that ends in something else than a number has no port for `http`.
        let has_port = authority.as_str().len() > authority.host().len();
        if has_port && authority.port_u16().is_none() {
            return None;
        }
        let path_and_query = uri.path_and_query().map_or("/", |both| both.as_str());
        Some(Self {
            plaintext,
            host: authority.host().to_ascii_lowercase(),
            port: authority.port_u16(),
            path_and_query: path_and_query.to_owned(),
        })
    }

    /// The same with parameters behind those that are there.
    #[must_use]
    pub(crate) fn with_parameters<'p>(
        mut self,
        parameters: impl IntoIterator<Item = (&'p str, &'p str)>,
    ) -> Self {
        for (name, value) in parameters {
            let separator = if self.path_and_query.contains('?') {
                '&'
            } else {
                '?'
            };
            self.path_and_query.push(separator);
            self.path_and_query.push_str(name);
            self.path_and_query.push('=');
            push_encoded(&mut self.path_and_query, value);
        }
        self
    }

    /// Whether passwords would cross the network in clear.
    pub(crate) const fn is_plaintext(&self) -> bool {
        self.plaintext
    }

    pub(super) fn path_and_query(&self) -> &str {
        &self.path_and_query
    }

    /// The host as a resolver takes it.
    pub(super) fn name(&self) -> &str {
        let inside = self.host.strip_prefix('[');
        inside
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(&self.host)
    }

    pub(super) fn port(&self) -> u16 {
        let default = if self.plaintext { 80 } else { 443 };
        self.port.unwrap_or(default)
    }

    /// The host and port as the `Host` header and people have them.
    pub(super) fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }
}

/// Percent-encodes all but what is safe everywhere (RFC 3986, section 2.3).
fn push_encoded(text: &mut String, value: &str) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            text.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_url_is_read_or_refused() {
        let url = OutboundUrl::parse("https://Auth.Example.com:8443/token?x=1").unwrap();
        assert_eq!(url.authority(), "auth.example.com:8443");
        assert_eq!(url.path_and_query(), "/token?x=1");
        let url = OutboundUrl::parse("http://[::1]").unwrap();
        assert_eq!(
            (url.name(), url.port(), url.path_and_query()),
            ("::1", 80, "/")
        );
        for wrong in [
            "",
            "/token",
            "auth.example.com",
            "ftp://auth.example.com/",
            "file:///etc/passwd",
            "https://user:password@auth.example.com/",
            "https://auth.example.com:x/",
            "https://auth.example.com:99999/",
            "https:///token",
            "https://a b/",
            "https://auth.example.com/\r\nX: y",
        ] {
            assert_eq!(OutboundUrl::parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn parameters_are_encoded() {
        let url = OutboundUrl::new(false, "a.example", None, "/token");
        let url = url.with_parameters([("service", "a b&c=d"), ("account", "ü")]);
        assert_eq!(
            url.path_and_query(),
            "/token?service=a%20b%26c%3Dd&account=%C3%BC"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = OutboundUrl::parse(&text);
        }
    }
}
