//! Networks, as flags, variables and the file name them.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, de};

use super::file::OneOrMore;

/// A network, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network(pub(crate) IpNet);

/// A text is neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is neither an address nor a network: use one such as 10.0.0.5, 10.0.0.0/8, 2001:db8::7 \
     or 2001:db8::/32"
)]
pub(crate) struct NoNetwork;

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let text = text.trim();
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self(address.to_canonical().into()));
        }
        text.parse().map(Self).map_err(|_| NoNetwork)
    }
}

/// Networks of the file: one text, or a list of them.
#[derive(Debug, Default)]
pub(crate) struct Networks(pub(crate) Vec<Network>);

impl<'de> Deserialize<'de> for Networks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let OneOrMore(texts) = OneOrMore::deserialize(deserializer)?;
        let networks = texts.iter().map(|text| {
            let wrong = |problem| de::Error::custom(format!("{text:?}: {problem}"));
            text.parse::<Network>().map_err(wrong)
        });
        networks.collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_network_of_its_own() {
        for (text, network) in [
            ("10.0.0.5", "10.0.0.5/32"),
            (" 10.0.0.5 ", "10.0.0.5/32"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("2001:db8::7", "2001:db8::7/128"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::ffff:10.0.0.5", "10.0.0.5/32"),
        ] {
            assert_eq!(
                text.parse(),
                Ok(Network(network.parse().unwrap())),
                "{text}"
            );
        }
        for text in [
            "",
            "proxy",
            "10.0.0",
            "10.0.0.5/33",
            "10.0.0.5:80",
            "[::1]",
            "*",
        ] {
            assert_eq!(text.parse::<Network>(), Err(NoNetwork), "{text}");
        }
    }
}
