//! The secrets within a value: of a service account, of a file of variables, of a login.
//!
//! What is hidden as one is also printed in parts: by `jq -r .private_key`, by what reads a file of
//! variables, by `base64 -d`.

use std::collections::HashSet;

use base64::Engine as _;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use super::names::{address_of_a_secret, names_a_secret, names_what_is_public};
use super::{SHORTEST_SECRET, url_secrets};

/// Larger values are not looked into.
const LARGEST_DOCUMENT: usize = 64 * 1024;
/// The most that is taken from one value.
const MOST: usize = 1024;
/// What no name calls a secret is one from this length on.
const SHORTEST_UNNAMED: usize = 8;
/// Documents within documents, and base64 among them.
const DEPTH: Depth = Depth { any: 5, base64: 2 };
/// Longer users before a colon are none.
const LONGEST_USER: usize = 128;

#[derive(Clone, Copy)]
struct Depth {
    any: u8,
    base64: u8,
}

/// How much a value is a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// Its own name says so.
    Named,
    /// It stands in something that is one.
    Within,
    /// Nothing says so.
    Plain,
}

/// The secrets within the value of a variable: with `is_secret`, which says that the whole is one,
/// everything but what has an evidently public name; otherwise what has the name of a secret.
pub(super) fn within(value: &str, is_secret: bool) -> Vec<String> {
    if value.len() > LARGEST_DOCUMENT {
        return Vec::new();
    }
    let mut found = Documents::default();
    let trust = if is_secret {
        Trust::Within
    } else {
        Trust::Plain
    };
    found.look_into(value, trust, DEPTH);
    found.secrets.remove(value.trim());
    let mut secrets: Vec<String> = found.secrets.into_iter().collect();
    secrets.sort_unstable();
    secrets
}

#[derive(Default)]
struct Documents {
    secrets: HashSet<String>,
}

impl Documents {
    /// Takes a value that stands under a name, and what is within it.
    fn field(&mut self, name: &str, value: &str, around: Trust, depth: Depth) {
        let trust = match around {
            _ if address_of_a_secret(name) == Some(false) => Trust::Plain,
            _ if names_a_secret(name) => Trust::Named,
            _ if names_what_is_public(name) => Trust::Plain,
            Trust::Named | Trust::Within => Trust::Within,
            Trust::Plain => Trust::Plain,
        };
        self.take(value, trust);
        self.look_into(value, trust, depth);
    }

    fn take(&mut self, value: &str, trust: Trust) {
        let shortest = match trust {
            Trust::Named => SHORTEST_SECRET,
            Trust::Within => SHORTEST_UNNAMED,
            Trust::Plain => return,
        };
        let value = value.trim();
        if value.len() >= shortest && self.secrets.len() < MOST {
            self.secrets.insert(value.to_owned());
        }
    }

    fn look_into(&mut self, text: &str, trust: Trust, depth: Depth) {
        let text = text.trim();
        let Some(any) = depth.any.checked_sub(1) else {
            return;
        };
        if text.len() < SHORTEST_SECRET || self.secrets.len() >= MOST {
            return;
        }
        let depth = Depth { any, ..depth };
        for secret in url_secrets(text) {
            self.take(&secret, Trust::Named);
        }
        if text.starts_with(['{', '[', '"'])
            && let Ok(value) = serde_json::from_str(text)
        {
            self.json("", &value, trust, depth);
        } else if !self.variables(text, trust, depth) && trust != Trust::Plain {
            self.lines(text, depth);
            self.login(text, depth);
        }
        if let Some(base64) = depth.base64.checked_sub(1)
            && let Some(decoded) = from_base64(text)
        {
            self.take(&decoded, trust);
            self.look_into(&decoded, trust, Depth { base64, ..depth });
        }
    }

    fn json(&mut self, name: &str, value: &Value, trust: Trust, depth: Depth) {
        match value {
            Value::String(text) => self.field(name, text, trust, depth),
            Value::Number(number) if names_a_secret(name) => {
                self.take(&number.to_string(), Trust::Named);
            }
            Value::Array(values) => {
                for value in values {
                    self.json(name, value, trust, depth);
                }
            }
            Value::Object(fields) => {
                // What is within something secret is secret.
                let within = names_a_secret(name) && address_of_a_secret(name) != Some(false);
                let trust = if within { Trust::Within } else { trust };
                for (name, value) in fields {
                    self.json(name, value, trust, depth);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Lines, or parts between semicolons, that are `NAME=value` all of them.
    fn variables(&mut self, text: &str, trust: Trust, depth: Depth) -> bool {
        let by_line = text.contains('\n') || !text.contains(';');
        let parts: Vec<&str> = text
            .split(|letter| {
                if by_line {
                    letter == '\n'
                } else {
                    letter == ';'
                }
            })
            .map(str::trim)
            .filter(|part| !part.is_empty() && !part.starts_with(['#', ';', '[']))
            .collect();
        let Some(pairs) = parts
            .into_iter()
            .map(|part| pair(part, &['=']).filter(|(name, _)| !by_line || !name.contains(' ')))
            .collect::<Option<Vec<_>>>()
        else {
            return false;
        };
        for (name, value) in pairs {
            self.field(name, value, trust, depth);
        }
        true
    }

    /// Lines of other files that say that something is a secret: `token: …`, `password = …`.
    fn lines(&mut self, text: &str, depth: Depth) {
        let lines = text
            .lines()
            .map(|line| line.trim_start_matches(['-', ' ', '\t']));
        for (name, value) in lines.filter_map(|line| pair(line, &[':', '='])) {
            if names_a_secret(name) {
                self.field(name, value, Trust::Within, depth);
            }
        }
        // As in `.netrc`.
        let mut words = text.split_whitespace();
        while words.any(|word| word == "password") {
            if let Some(password) = words.next() {
                self.take(password, Trust::Named);
            }
        }
    }

    /// `user:password`, `Bearer token` and `Basic dXNlcjpw…`.
    fn login(&mut self, text: &str, depth: Depth) {
        if let Some((scheme, token)) = text.split_once(' ')
            && ["bearer", "basic", "token"].contains(&scheme.to_ascii_lowercase().as_str())
        {
            self.take(token, Trust::Named);
            self.look_into(token, Trust::Named, depth);
        } else if let Some((user, password)) = text.split_once(':')
            && !text.contains('\n')
            && user.len() <= LONGEST_USER
            && !user.contains(char::is_whitespace)
            && !password.starts_with("//")
        {
            self.take(password, Trust::Named);
        }
    }
}

/// A name and its value, without the quotes around it.
fn pair<'a>(line: &'a str, separators: &[char]) -> Option<(&'a str, &'a str)> {
    let (name, value) = line.split_once(separators)?;
    let name = name.trim();
    let name = name.strip_prefix("export ").unwrap_or(name).trim();
    let name = name.trim_matches(['"', '\'']);
    let is_name = |letter: char| letter.is_alphanumeric() || "_-. ".contains(letter);
    if !name.starts_with(|first: char| first.is_alphabetic() || first == '_')
        || !name.chars().all(is_name)
    {
        return None;
    }
    let value = value.trim();
    let unquoted = ['"', '\'']
        .iter()
        .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    Some((name, unquoted.unwrap_or(value)))
}

/// The text that this is base64 of.
fn from_base64(text: &str) -> Option<String> {
    let joined: String = text.split_whitespace().collect();
    let decode = |alphabet: &Alphabet| {
        let config = GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true);
        GeneralPurpose::new(alphabet, config).decode(&joined).ok()
    };
    let decoded = decode(&STANDARD).or_else(|| decode(&URL_SAFE))?;
    let decoded = String::from_utf8(decoded).ok()?;
    let is_text = |letter: char| !letter.is_control() || letter.is_whitespace();
    decoded.chars().all(is_text).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn found(value: &str) -> Vec<String> {
        within(value, true)
    }

    const ACCOUNT: &str = r#"{
        "type": "service_account", "project_id": "project-of-ada", "private_key_id": "0123456789ab",
        "private_key": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----\n",
        "client_email": "ada@project-of-ada.iam.gserviceaccount.com", "client_id": "123456789012",
        "client_secret": "s3cr3t-of-it", "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": "https://oauth2.googleapis.com/token", "universe_domain": "googleapis.com",
        "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs"
    }"#;

    const IN_ACCOUNT: [&str; 3] = [
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----",
        "0123456789ab",
        "s3cr3t-of-it",
    ];

    #[test]
    fn a_service_account_has_its_key_and_nothing_public() {
        assert_eq!(found(ACCOUNT), IN_ACCOUNT);
        assert_eq!(within(ACCOUNT, false), IN_ACCOUNT);
        let encoded = STANDARD.encode(ACCOUNT);
        let of_encoded = found(&encoded);
        for secret in IN_ACCOUNT.into_iter().chain([ACCOUNT]) {
            assert!(of_encoded.contains(&secret.trim().to_owned()), "{secret}");
        }
        assert_eq!(of_encoded.len(), 4);
    }

    #[test]
    fn documents_of_many_kinds_have_secrets_in_them() {
        let base64 = |text: &str| STANDARD.encode(text);
        let docker = format!(
            r#"{{"auths":{{"registry.example.com":{{"auth":"{}","email":"ada@example.com"}}}}}}"#,
            base64("ada:hunter2-pw")
        );
        for (value, secret) in [
            (r#"{"k":"hunter2-pw"}"#, "hunter2-pw"),
            (r#"{"db":{"password":"hunter"}}"#, "hunter"),
            (r#"{"passwords":{"ada":["hunter2-pw"]}}"#, "hunter2-pw"),
            (r#"{"pin":123456}"#, "123456"),
            (r#"{"x":"{\"token\":\"hunter2\"}"}"#, "hunter2"),
            (r#"{"url":"postgres://u:hunter2@h"}"#, "hunter2"),
            ("A=1\nDB=hunter2-pw\n", "hunter2-pw"),
            ("# x\nexport DB_PASS='hunter'\n\nB=2", "hunter"),
            ("Server=h;User Id=ada;Password=hunter;", "hunter"),
            ("AccountName=ada;AccountKey=c2VjcmV0IQ==", "c2VjcmV0IQ=="),
            ("users:\n- user:\n    token: hunter2\n", "hunter2"),
            ("machine h login ada password hunter", "hunter"),
            ("//registry.npmjs.org/:_authToken=hunter2pw", "hunter2pw"),
            ("ada:hunter", "hunter"),
            ("Bearer hunter2", "hunter2"),
            (&format!("Basic {}", base64("ada:hunter")), "hunter"),
            (&base64("ada:hunter"), "hunter"),
            (&base64("ada:hunter").replace('=', ""), "hunter"),
            (&base64("just a text"), "just a text"),
            (&docker, "hunter2-pw"),
            (&base64(&docker), "hunter2-pw"),
            (&base64("DB_PASS=hunter\nB=2"), "hunter"),
        ] {
            let found = found(value);
            assert!(found.contains(&secret.to_owned()), "{value} {found:?}");
        }
    }

    #[test]
    fn what_is_public_or_no_document_stays() {
        for value in [
            "hunter2-and-more",
            r#"{"type":"authorized_user","region":"eu-central-1","port":5432123,"on":true}"#,
            "https://example.com/a?page=2",
            "REGION=eu-central-1\nLOG_TYPE=structured",
            "{not json at all}",
            "0123456789abcdef0123456789abcdef",
        ] {
            assert_eq!(found(value), Vec::<String>::new(), "{value}");
        }
        for value in [
            r#"{"stage":"production","replicas":"two-of-them"}"#,
            "ada:hunter2",
            "Token: is refreshed",
            "STAGE=production",
            "aHVudGVyMi1hbmQtbW9yZQ==",
        ] {
            assert_eq!(within(value, false), Vec::<String>::new(), "{value}");
        }
        assert_eq!(within("A=1\nDB_PASSWORD=hunter", false), ["hunter"]);
    }

    #[test]
    fn what_is_taken_from_a_value_is_bounded() {
        let many: Vec<String> = (0..5000).map(|at| format!("secret-{at}")).collect();
        let many = serde_json::to_string(&many).unwrap();
        assert!(many.len() <= LARGEST_DOCUMENT || found(&many).is_empty());
        let many: Vec<String> = (0..3000).map(|at| format!("secret-{at}")).collect();
        let many = serde_json::to_string(&many).unwrap();
        assert_eq!(found(&many).len(), MOST);
        assert_eq!(found(&"[".repeat(60_000)), Vec::<String>::new());
        let mut nested = "hunter2-pw".to_owned();
        for _ in 0..10 {
            nested = serde_json::to_string(&[nested]).unwrap();
        }
        assert!(!found(&nested).contains(&"hunter2-pw".to_owned()));
    }
}
