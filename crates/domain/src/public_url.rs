//! From where the address that a control plane calls its own can be used.

use std::net::IpAddr;

/// Who can use an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every machine that can resolve the name, over TLS.
    Anywhere,
    /// The machine itself alone: it is a loopback address.
    ThisMachine,
    /// Nobody should: a key would cross the network in clear, and runners refuse it.
    WithoutTls,
}

impl Reach {
    /// Reads a URL that begins with `http://` or `https://`.
    pub fn of(url: &str) -> Self {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let authority = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        if is_of_this_machine(host(authority)) {
            Self::ThisMachine
        } else if scheme.eq_ignore_ascii_case("https") {
            Self::Anywhere
        } else {
            Self::WithoutTls
        }
    }

    /// What stands in the way of other machines, and what whoever runs the control plane does
    /// about it; nothing where nothing does.
    pub fn hindrance(self, url: &str) -> Option<String> {
        let url = url.trim_end_matches('/');
        let why = match self {
            Self::Anywhere => return None,
            Self::ThisMachine => format!(
                "{url} is an address of the control plane's own machine: no other machine can \
                 reach it"
            ),
            Self::WithoutTls => format!(
                "{url} has no TLS: a key sent there could be read on the way, and runners on \
                 other machines refuse it"
            ),
        };
        Some(format!(
            "{why}. Start Reoclo with the https address that other machines use, such as \
             --public-url https://reoclo.example.com, and either with --listen 0.0.0.0:443, \
             --tls-cert and --tls-key, or behind a proxy that ends TLS, with --trusted-proxy"
        ))
    }
}

/// Without the port, and without the brackets of an IPv6 address.
fn host(authority: &str) -> &str {
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

fn is_of_this_machine(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    match host.parse::<IpAddr>() {
        Ok(address) => {
            let address = address.to_canonical();
            address.is_loopback() || address.is_unspecified()
        }
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_of_this_machine_however_it_is_written() {
        for url in [
            "http://127.0.0.1:7676",
            "http://127.9.9.9/",
            "https://localhost:7676",
            "http://LOCALHOST",
            "http://reoclo.localhost.:80/x",
            "http://[::1]:7676",
            "http://[::ffff:127.0.0.1]:7676",
            "http://0.0.0.0:7676",
            "http://[::]:7676",
        ] {
            assert_eq!(Reach::of(url), Reach::ThisMachine, "{url}");
            let said = Reach::of(url).hindrance(url).unwrap();
            assert!(said.contains("--public-url") && said.contains("own machine"));
        }
    }

    #[test]
    fn other_machines_need_tls() {
        for url in [
            "http://reoclo.example.com",
            "http://10.0.0.7:7676",
            "http://[2001:db8::1]",
        ] {
            assert_eq!(Reach::of(url), Reach::WithoutTls, "{url}");
            assert!(
                Reach::of(url)
                    .hindrance(url)
                    .unwrap()
                    .contains("--tls-cert")
            );
        }
        for url in [
            "https://reoclo.example.com",
            "HTTPS://10.0.0.7:7676",
            "https://[2001:db8::1]",
        ] {
            assert_eq!(Reach::of(url), Reach::Anywhere, "{url}");
            assert_eq!(Reach::of(url).hindrance(url), None);
        }
        // Names that only look like this machine.
        for url in [
            "https://localhost.example.com",
            "https://127.0.0.1.example.com",
        ] {
            assert_eq!(Reach::of(url), Reach::Anywhere, "{url}");
        }
    }
}
