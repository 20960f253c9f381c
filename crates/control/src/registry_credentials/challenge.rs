//! What a registry asks for when it answers 401 (RFC 9110, section 11.6.1).

use http::{HeaderMap, header};

/// How to log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User name and password with every request.
    Basic,
    /// A token, which another server gives for user name and password.
    Bearer {
        realm: String,
        service: Option<String>,
        scope: Option<String>,
    },
}

impl Challenge {
    /// The one to answer: a token where that is possible, as Docker does.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(header::WWW_AUTHENTICATE);
        let texts = values.iter().filter_map(|value| value.to_str().ok());
        let all: Vec<Self> = texts.flat_map(challenges).collect();
        let bearer = all.iter().find(|one| matches!(one, Self::Bearer { .. }));
        bearer.or(all.first()).cloned()
    }

    fn new(scheme: &str, parameters: &[(String, String)]) -> Option<Self> {
        let parameter = |name: &str| {
            let found = parameters
                .iter()
                .find(|(given, _)| given.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone())
        };
        if scheme.eq_ignore_ascii_case("basic") {
            Some(Self::Basic)
        } else if scheme.eq_ignore_ascii_case("bearer") {
            Some(Self::Bearer {
                realm: parameter("realm")?,
                service: parameter("service"),
                scope: parameter("scope"),
            })
        } else {
            None
        }
    }
}

/// Every challenge that can be answered. A list may hold several, each with parameters of its own.
fn challenges(text: &str) -> Vec<Challenge> {
    let mut found: Vec<(String, Vec<(String, String)>)> = Vec::new();
    let mut rest = text;
    while let Some((word, after)) = word(rest.trim_start_matches([' ', '\t', ','])) {
        match (after.strip_prefix('='), found.last_mut()) {
            (Some(value), Some((_, parameters))) => {
                let (value, after) = parameter_value(value);
                parameters.push((word.to_owned(), value));
                rest = after;
            }
            (Some(_), None) => break,
            (None, _) => {
                found.push((word.to_owned(), Vec::new()));
                rest = after;
            }
        }
    }
    let known = found
        .iter()
        .filter_map(|(scheme, parameters)| Challenge::new(scheme, parameters));
    known.collect()
}

/// A token (RFC 9110, section 5.6.2) and what stands behind it.
fn word(text: &str) -> Option<(&str, &str)> {
    let is_token = |char: char| char.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(char);
    let end = text.find(|char| !is_token(char)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

fn parameter_value(text: &str) -> (String, &str) {
    match text.strip_prefix('"') {
        Some(quoted) => quoted_string(quoted),
        None => word(text).map_or((String::new(), ""), |(value, rest)| {
            (value.to_owned(), rest)
        }),
    }
}

/// Up to the closing quote; a backslash takes its meaning from the character behind it.
fn quoted_string(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[&'static str]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static(value));
        }
        Challenge::of(&headers)
    }

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Challenge {
        Challenge::Bearer {
            realm: realm.into(),
            service: service.map(Into::into),
            scope: scope.map(Into::into),
        }
    }

    #[test]
    fn what_registries_send_is_read() {
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io""#;
        let expected = bearer(
            "https://auth.docker.io/token",
            Some("registry.docker.io"),
            None,
        );
        assert_eq!(of(&[hub]), Some(expected));
        let gitlab = r#"bearer realm="https://gitlab.com/jwt/auth", service=container_registry, scope="a b,c""#;
        let expected = bearer(
            "https://gitlab.com/jwt/auth",
            Some("container_registry"),
            Some("a b,c"),
        );
        assert_eq!(of(&[gitlab]), Some(expected));
        assert_eq!(
            of(&[r#"Basic realm="Registry, \"realm\"""#]),
            Some(Challenge::Basic)
        );
        assert_eq!(of(&["Basic"]), Some(Challenge::Basic));
    }

    #[test]
    fn a_token_goes_before_a_password_wherever_it_stands() {
        let expected = Some(bearer("https://a.example", None, None));
        assert_eq!(
            of(&[r#"Basic realm="x", Bearer realm="https://a.example""#]),
            expected
        );
        assert_eq!(
            of(&["Basic realm=x", r#"Bearer realm="https://a.example""#]),
            expected
        );
        assert_eq!(
            of(&[r"Negotiate, Bearer realm=x, Basic"]),
            Some(bearer("x", None, None))
        );
    }

    #[test]
    fn what_cannot_be_answered_is_none() {
        for values in [
            &[][..],
            &[""],
            &["Negotiate"],
            &["Bearer"],
            &["=x"],
            &["Bearer service=x"],
        ] {
            assert_eq!(of(values), None, "{values:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = challenges(&text);
        }

        #[test]
        fn a_quoted_value_comes_back(value in "[ -~]{0,30}") {
            let escaped = value.replace('\\', r"\\").replace('"', "\\\"");
            let text = format!("Bearer realm=\"{escaped}\", service=x");
            prop_assert_eq!(challenges(&text), vec![bearer(&value, Some("x"), None)]);
        }
    }
}
