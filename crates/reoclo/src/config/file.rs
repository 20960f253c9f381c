//! `reoclo.toml`.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{ListenAddress, ListenAddressError, Networks};

const DEFAULT_FILE: &str = "reoclo.toml";

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The named file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A key or value is wrong; says where.
    #[error("{place}: {problem}")]
    Toml { place: String, problem: String },
    /// Keys would cross a network in clear.
    #[error(
        "{0} is not loopback, and keys would cross the network in clear: give --tls-cert and \
         --tls-key, or --trusted-proxy for a proxy that ends TLS, or --insecure-http"
    )]
    Plaintext(SocketAddr),
    /// An address that nobody can listen on.
    #[error(transparent)]
    Listen(#[from] ListenAddressError),
    /// One half of a pair is missing.
    #[error("--tls-cert and --tls-key go together: give both or neither")]
    HalfTls,
    /// A limit that cannot be kept.
    #[error("[limits] {name} must be from {least} to {most}")]
    Limit {
        name: &'static str,
        least: u64,
        most: u64,
    },
}

/// The file's keys; the same names as the flags.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfigFile {
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) listen: Option<ListenAddress>,
    pub(crate) public_url: Option<OneOrMore>,
    pub(crate) database_url: Option<String>,
    pub(crate) wait_for_database: Option<u64>,
    pub(crate) wait: Option<u64>,
    pub(crate) tls_cert: Option<PathBuf>,
    pub(crate) tls_key: Option<PathBuf>,
    pub(crate) trusted_proxy: Option<Networks>,
    /// What the flag `--allow-outbound` says.
    pub(crate) allowed_outbound_networks: Option<Networks>,
    pub(crate) no_organization_networks: Option<bool>,
    pub(crate) insecure_http: Option<bool>,
    pub(crate) metrics_listen: Option<ListenAddress>,
    pub(crate) exec_user: Option<String>,
    pub(crate) runner_program: Option<PathBuf>,
    #[serde(default)]
    pub(crate) timing: Timing,
    #[serde(default)]
    pub(crate) limits: Limits,
}

/// A text, or a list of them.
#[derive(Debug, Default)]
pub(crate) struct OneOrMore(pub(crate) Vec<String>);

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMoreVisitor)
    }
}

struct OneOrMoreVisitor;

impl<'de> Visitor<'de> for OneOrMoreVisitor {
    type Value = OneOrMore;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of texts")
    }

    fn visit_str<E>(self, text: &str) -> Result<OneOrMore, E> {
        Ok(OneOrMore(vec![text.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<OneOrMore, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = list.next_element()? {
            texts.push(text);
        }
        Ok(OneOrMore(texts))
    }
}

/// Delays in seconds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Timing {
    pub(crate) inline_wait: Option<f64>,
    pub(crate) start_deadline: Option<f64>,
    pub(crate) lost_after: Option<f64>,
    pub(crate) resume_grace: Option<f64>,
    pub(crate) facts_interval: Option<f64>,
    pub(crate) metrics_interval: Option<f64>,
    pub(crate) retry_delay: Option<f64>,
    pub(crate) keepalive_every: Option<f64>,
    pub(crate) keepalive_timeout: Option<f64>,
    pub(crate) kill_grace: Option<f64>,
    pub(crate) supervisor_idle: Option<f64>,
    pub(crate) queue_wait: Option<f64>,
    pub(crate) reboot_least: Option<u32>,
    pub(crate) head_time: Option<f64>,
    pub(crate) body_time: Option<f64>,
    pub(crate) answer_time: Option<f64>,
    pub(crate) idle_time: Option<f64>,
    pub(crate) idle_time_of_known: Option<f64>,
    pub(crate) certificate_poll: Option<f64>,
}

/// How much there may be.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    /// Operations that run on one server at a time.
    pub(crate) operations_per_server: Option<u64>,
    /// Operations that wait for room on one server.
    pub(crate) queued_per_server: Option<u64>,
    /// Bytes of full logs that are kept.
    pub(crate) log_bytes: Option<u64>,
    /// Days for which they are kept.
    pub(crate) log_days: Option<u64>,
    /// Connections at a time; one in 16 is kept for runners, and one for callers who have
    /// authenticated.
    pub(crate) connections: Option<u64>,
    /// Connections of one address that have not authenticated.
    pub(crate) connections_per_address: Option<u64>,
    /// Bytes that the buffers of all of them hold.
    pub(crate) stranger_bytes: Option<u64>,
}

impl Limits {
    /// Refuses what cannot be kept.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let check = |name, value: Option<u64>, least, most| match value {
            Some(value) if !(least..=most).contains(&value) => {
                Err(ConfigError::Limit { name, least, most })
            }
            _ => Ok(()),
        };
        // A server's supervisor runs 128 commands at most.
        check("operations_per_server", self.operations_per_server, 1, 128)?;
        check("queued_per_server", self.queued_per_server, 0, 100_000)?;
        check("log_bytes", self.log_bytes, 0, 1 << 50)?;
        check("log_days", self.log_days, 1, 36_500)?;
        check("stranger_bytes", self.stranger_bytes, 1 << 20, 1 << 40)?;
        check("connections", self.connections, 64, 1 << 20)?;
        check(
            "connections_per_address",
            self.connections_per_address,
            1,
            1 << 20,
        )
    }
}

impl ConfigFile {
    /// Reads `path`, which must be there, or else `./reoclo.toml`, which need not.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let file = path.unwrap_or(Path::new(DEFAULT_FILE));
        match std::fs::read_to_string(file) {
            Ok(text) => Self::parse(&text, file),
            Err(error) if error.kind() == io::ErrorKind::NotFound && path.is_none() => {
                Ok(Self::default())
            }
            Err(source) => Err(ConfigError::Read {
                path: file.to_owned(),
                source,
            }),
        }
    }

    fn parse(text: &str, file: &Path) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error| {
            let line = error
                .span()
                .map(|span| text[..span.start].matches('\n').count() + 1);
            let place = match line {
                Some(line) => format!("{}, line {line}", file.display()),
                None => file.display().to_string(),
            };
            ConfigError::Toml {
                place,
                problem: error.message().replace('\n', " "),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        ConfigFile::parse(text, Path::new("reoclo.toml"))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let text = problem("listen = \"127.0.0.1:1\"\nlisten_on = 5\n");
        assert!(
            text.starts_with("reoclo.toml, line 2: unknown field `listen_on`"),
            "{text}"
        );
    }

    #[test]
    fn public_addresses_are_one_or_a_list() {
        let urls = |text: &str| {
            let file = ConfigFile::parse(text, Path::new("reoclo.toml")).unwrap();
            file.public_url.unwrap().0
        };
        assert_eq!(urls("public_url = \"https://a\""), ["https://a"]);
        let two = urls("public_url = [\"https://a\", \"http://b:1\"]");
        assert_eq!(two, ["https://a", "http://b:1"]);
        assert!(problem("\npublic_url = 5").starts_with("reoclo.toml, line 2:"));
    }

    #[test]
    fn a_bad_value_is_named_with_its_line() {
        let text = problem("\nlisten = \"nowhere\"\n");
        assert!(text.starts_with("reoclo.toml, line 2:"), "{text}");
        assert!(problem("listen = ").starts_with("reoclo.toml, line 1:"));
    }
}
