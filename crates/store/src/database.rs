//! Where the database is.

use std::path::PathBuf;

use reoclo_domain::Secret;

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
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    rest.rsplit_once('@').map_or(rest, |(_, server)| server)
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
