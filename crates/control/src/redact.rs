//! Secrets that people type, found before they reach a row, a log or an output (DESIGN rule 16).

use std::collections::BTreeMap;
use std::ops::Range;

use reoclo_domain::find_tokens;

/// Shorter values are too common to replace: they would garble a log.
pub(crate) const MIN_SECRET_LEN: usize = 6;

const MASK: &str = "***";

/// Parts of a variable's name that say that its value is secret.
const SECRET_NAMES: [&str; 12] = [
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "PWD",
    "KEY",
    "CREDENTIAL",
    "AUTH",
    "DSN",
    "COOKIE",
    "SIGNATURE",
];

/// Names that contain one of the above and are not secret.
const PLAIN_NAMES: [&str; 2] = ["PWD", "OLDPWD"];

/// The values of `env` to mask in output: of the variables whose name says secret and of those
/// named in `mask`; none when `mask` is there and empty.
pub(crate) fn secret_values(
    env: &BTreeMap<String, String>,
    mask: Option<&[String]>,
) -> Vec<String> {
    if mask.is_some_and(<[String]>::is_empty) {
        return Vec::new();
    }
    let named = |name: &String| mask.is_some_and(|mask| mask.contains(name));
    env.iter()
        .filter(|(name, value)| value.len() >= MIN_SECRET_LEN && (named(name) || says_secret(name)))
        .map(|(_, value)| value.clone())
        .collect()
}

fn says_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    !PLAIN_NAMES.contains(&name.as_str()) && SECRET_NAMES.iter().any(|part| name.contains(part))
}

/// The passwords inside the URLs of a text, as an SCM's clone URL has one.
pub(crate) fn url_passwords(text: &str) -> Vec<String> {
    url_password_ranges(text)
        .into_iter()
        .map(|range| text[range].to_owned())
        .collect()
}

/// The text with `secrets`, passwords in URLs and Reoclo's own tokens replaced by `***`.
pub(crate) fn masked(text: &str, secrets: &[String]) -> String {
    let mut ranges = url_password_ranges(text);
    ranges.extend(find_tokens(text.as_bytes()));
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        ranges.extend(
            text.match_indices(secret.as_str())
                .map(|(at, found)| at..at + found.len()),
        );
    }
    replace(text, ranges)
}

fn replace(text: &str, mut ranges: Vec<Range<usize>>) -> String {
    ranges.sort_by_key(|range| range.start);
    let mut masked = String::with_capacity(text.len());
    let mut at = 0;
    for range in ranges {
        if range.start >= at {
            masked.push_str(&text[at..range.start]);
            masked.push_str(MASK);
        }
        at = at.max(range.end);
    }
    masked.push_str(&text[at..]);
    masked
}

/// Where `scheme://user:password@` has its password, and `https://token@` its token.
fn url_password_ranges(text: &str) -> Vec<Range<usize>> {
    text.match_indices("://")
        .filter_map(|(at, found)| password_after(text, at, at + found.len()))
        .collect()
}

fn password_after(text: &str, scheme_end: usize, start: usize) -> Option<Range<usize>> {
    let ends = |character: char| {
        character.is_whitespace() || matches!(character, '/' | '?' | '#' | '\'' | '"' | '`')
    };
    let authority = text[start..].split(ends).next()?;
    let (user_info, _) = authority.rsplit_once('@')?;
    let end = start + user_info.len();
    match user_info.split_once(':') {
        Some((_, "")) => None,
        Some((user, _)) => Some(start + user.len() + 1..end),
        // A user name of ssh is no secret; what stands alone before a web host is a token.
        None if text[..scheme_end].ends_with("http") || text[..scheme_end].ends_with("https") => {
            (!user_info.is_empty()).then_some(start..end)
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn values_of_secret_names_are_secret_and_others_are_not() {
        let env = env(&[
            ("NPM_TOKEN", "abcdefgh"),
            ("db_password", "hunter22"),
            ("SHORT_KEY", "abc"),
            ("NODE_ENV", "production"),
            ("PWD", "/home/someone"),
        ]);
        assert_eq!(secret_values(&env, None), ["abcdefgh", "hunter22"]);
        let named = ["NODE_ENV".to_owned()];
        assert_eq!(
            secret_values(&env, Some(&named)),
            ["production", "abcdefgh", "hunter22"]
        );
        assert!(secret_values(&env, Some(&[])).is_empty());
    }

    #[test]
    fn a_clone_url_loses_its_token() {
        let url = "git remote add origin 'https://x-access-token:ghs_abc@github.com/a/b.git'";
        let shown = "git remote add origin 'https://x-access-token:***@github.com/a/b.git'";
        assert_eq!(masked(url, &[]), shown);
        assert_eq!(url_passwords(url), ["ghs_abc"]);
        assert_eq!(
            masked("https://ghp_x@github.com/a", &[]),
            "https://***@github.com/a"
        );
    }

    #[test]
    fn what_is_no_password_stays() {
        for plain in [
            "ssh://git@github.com/a/b",
            "curl http://127.0.0.1:80/a@b",
            "https://example.com/x:y@z",
            "a :// b",
            "https://user:@host",
        ] {
            assert_eq!(masked(plain, &[]), plain);
        }
    }

    #[test]
    fn overlapping_secrets_are_masked_once() {
        let secrets = ["abcdef".to_owned(), "cdefgh".to_owned()];
        assert_eq!(masked("x abcdefgh y", &secrets), "x *** y");
        assert_eq!(masked("é abcdef é", &secrets), "é *** é");
    }
}
