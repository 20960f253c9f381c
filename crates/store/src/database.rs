//! Where the database is.

use std::net::IpAddr;
use std::path::PathBuf;

use reoclo_domain::Secret;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// Where the database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseAddress {
    /// A file.
    Sqlite(PathBuf),
    /// A server, as a URL that may hold a password.
    Postgres(Secret),
}

/// The text is no address of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a database is postgres://USER@HOST/NAME or sqlite:PATH")]
pub struct AddressError;

impl DatabaseAddress {
    /// Reads `postgres://…`, `postgresql://…` or `sqlite:PATH`.
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres(Secret::new(url)));
        }
        let path = url.strip_prefix("sqlite:").ok_or(AddressError)?;
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.starts_with(':') || path.contains(['?', '\0']) {
            return Err(AddressError);
        }
        Ok(Self::Sqlite(path.into()))
    }

    /// What is odd about the address, for the message when nobody can connect with it.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(url) => hint(url.expose()),
        }
    }

    /// The address for messages: a path, or the server and the name of the database.
    pub(crate) fn without_secrets(&self) -> String {
        match self {
            Self::Sqlite(path) => path.display().to_string(),
            Self::Postgres(url) => server_and_name(url.expose()).to_owned(),
        }
    }
}

/// What stands between the credentials and the parameters, both of which may hold a password.
fn server_and_name(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = match rest.rsplit_once('@') {
        Some((user, server)) if is_cut_short(user) => server,
        _ => rest,
    };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    rest.rsplit_once('@').map_or(rest, |(_, server)| server)
}

/// Whether what stands before an `@` has a character in it that ends the place for a user and a
/// password, without a server before that: part of a password, which is taken for a server.
fn is_cut_short(user: &str) -> bool {
    let Some(end) = user.find(['/', '?', '#']) else {
        return false;
    };
    let server = &user[..end];
    let port = server.rsplit_once(':').map(|(_, port)| port);
    !server.contains('@')
        && port.is_some_and(|port| !port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// What makes the password another one than was meant, or nothing.
fn hint(url: &str) -> &'static str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (before_parameters, _) = rest.split_once('?').unwrap_or((rest, ""));
    let is_odd = before_parameters.matches('@').count() > 1
        || rest
            .rsplit_once('@')
            .is_some_and(|(user, _)| is_cut_short(user));
    if is_odd {
        " (the password in the URL has an @, /, ? or # in it, which is not encoded: write %40, %2F, \
         %3F or %23)"
    } else {
        ""
    }
}

/// The URL of one server, which asks for TLS beyond loopback unless it says what it wants.
pub(crate) fn with_tls(url: String) -> String {
    let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters);
    let says = |parameter: &str| {
        let name = parameter.split('=').next().unwrap_or_default();
        matches!(name, "sslmode" | "ssl-mode")
    };
    if parameters.split('&').any(says) {
        return url;
    }
    // With what the environment adds, such as PGHOST and PGSSLMODE.
    let Ok(options) = url.parse::<PgConnectOptions>() else {
        return url;
    };
    let is_default = matches!(options.get_ssl_mode(), PgSslMode::Prefer);
    if !is_default || options.get_socket().is_some() || is_loopback(options.get_host()) {
        return url;
    }
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}sslmode=require")
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address: Result<IpAddr, _> = host.parse();
    address.map_or_else(
        |_| host == "localhost" || host.ends_with(".localhost") || host.starts_with('/'),
        |address| address.to_canonical().is_loopback(),
    )
}

/// The URL for each server of one that names several, as libpq reads it:
/// `postgres://user@first:5432,second/name`.
pub(crate) fn servers(url: &str) -> Vec<String> {
    let whole = || vec![url.to_owned()];
    let Some((scheme, rest)) = url.split_once("://") else {
        return whole();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (user, hosts) = match authority.rsplit_once('@') {
        Some((user, hosts)) => (format!("{user}@"), hosts),
        None => (String::new(), authority),
    };
    let hosts = hosts.split(',').filter(|host| !host.is_empty());
    let urls: Vec<_> = hosts
        .map(|host| format!("{scheme}://{user}{host}{path}"))
        .collect();
    if urls.len() > 1 { urls } else { whole() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_name_several_servers() {
        let several = servers("postgres://u:p%2Cq@a:5433,[::1]:5434,c/name?sslmode=disable");
        assert_eq!(
            several,
            [
                "postgres://u:p%2Cq@a:5433/name?sslmode=disable",
                "postgres://u:p%2Cq@[::1]:5434/name?sslmode=disable",
                "postgres://u:p%2Cq@c/name?sslmode=disable",
            ]
        );
        for one in [
            "postgres://u@h/d",
            "postgres:///d?host=/run",
            "postgres://h",
        ] {
            assert_eq!(servers(one), [one]);
        }
    }

    #[test]
    fn both_engines_have_addresses() {
        let file = |path: &str| Ok(DatabaseAddress::Sqlite(path.into()));
        assert_eq!(DatabaseAddress::parse("sqlite:a b.db"), file("a b.db"));
        assert_eq!(
            DatabaseAddress::parse("sqlite:///var/a.db"),
            file("/var/a.db")
        );
        let url = "postgresql://u:p@h/d";
        let server = DatabaseAddress::Postgres(Secret::new(url));
        assert_eq!(DatabaseAddress::parse(url), Ok(server));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in [
            "",
            "mysql://h/d",
            "sqlite:",
            "sqlite::memory:",
            "/a.db",
            "sqlite:a?mode=ro",
        ] {
            assert_eq!(DatabaseAddress::parse(wrong), Err(AddressError), "{wrong}");
        }
    }

    #[test]
    fn tls_is_asked_for_beyond_loopback_unless_the_address_says_otherwise() {
        for (url, more) in [
            ("postgres://u@db.example/d", "?sslmode=require"),
            (
                "postgres://u@192.0.2.1:5433/d?application_name=a",
                "&sslmode=require",
            ),
            ("postgres://u@[2001:db8::1]/d", "?sslmode=require"),
            ("postgres://u@localhost.example/d", "?sslmode=require"),
            ("postgres://u@db.example/d?sslmode=prefer", ""),
            ("postgres://u@db.example/d?a=b&sslmode=disable", ""),
            ("postgres://u@db.example/d?sslmode=verify-full", ""),
            ("postgres://u@127.0.0.1/d", ""),
            ("postgres://u@127.8.0.1/d", ""),
            ("postgres://u@[::1]/d", ""),
            ("postgres://u@localhost/d", ""),
            ("postgres:///d?host=/run/postgresql", ""),
        ] {
            assert_eq!(with_tls(url.to_owned()), format!("{url}{more}"));
        }
    }

    #[test]
    fn a_password_that_is_not_encoded_is_said_to_be_one() {
        for url in [
            "postgres://u:p@ss@h/d",
            "postgres://u:p@s/s@h/d",
            "postgres://u:p#s@h/d",
            "postgres://u:p?s@h/d",
            "postgres://u:p/s@h/d",
        ] {
            let address = DatabaseAddress::parse(url).unwrap();
            assert!(address.hint().contains("%40"), "{url}");
            assert_eq!(address.without_secrets(), "h/d", "{url}");
        }
        for url in [
            "postgres://u:p%40ss@h:5432/d",
            "postgres://h:5432/d?user=a@b",
            "postgres://u@h/d?user=a@b",
        ] {
            assert_eq!(DatabaseAddress::parse(url).unwrap().hint(), "", "{url}");
        }
    }

    #[test]
    fn a_message_does_not_show_the_password() {
        for url in [
            "postgres://user:secret@db.example:5432/reoclo",
            "postgres://db.example:5432/reoclo?password=secret",
            "postgres://user:sec@ret@db.example:5432/reoclo",
        ] {
            let address = DatabaseAddress::parse(url).unwrap();
            assert_eq!(address.without_secrets(), "db.example:5432/reoclo");
            assert!(!format!("{address:?}").contains("secret"));
        }
    }
}
