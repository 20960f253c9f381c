//! What a client says that it asks for.

use std::fmt;
use std::str::FromStr;

use crate::masking::masked_shapes;

/// Nothing that could be kept was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("names no source")]
pub struct NoClientSource;

/// The value of `X-Reoclo-Source`, such as `mcp`: what whoever holds the key says of the program
/// that uses it. Nobody vouches for it.
///
/// At most 32 of `a-z`, `0-9`, `.`, `_`, `/` and `-`: whatever else was sent is not kept, so that
/// it can be shown anywhere as it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientSource(String);

impl ClientSource {
    const MAX_CHARS: usize = 32;

    /// The source as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientSource {
    type Err = NoClientSource;

    /// Letters become small, and each run of what may not be there becomes one `-`. What has the
    /// shape of a secret is none.
    fn from_str(text: &str) -> Result<Self, NoClientSource> {
        if masked_shapes(text) != text {
            return Err(NoClientSource);
        }
        let mut source = String::new();
        for letter in text.trim().chars() {
            let is_plain = letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '/');
            if is_plain {
                source.push(letter.to_ascii_lowercase());
            } else if !source.ends_with('-') {
                source.push('-');
            }
            if source.len() == Self::MAX_CHARS {
                break;
            }
        }
        let source = source.trim_matches('-');
        if source.is_empty() {
            return Err(NoClientSource);
        }
        Ok(Self(source.to_owned()))
    }
}

impl fmt::Display for ClientSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kept(text: &str) -> Option<String> {
        let source: Result<ClientSource, _> = text.parse();
        source.ok().map(|source| source.to_string())
    }

    #[test]
    fn a_source_is_a_short_plain_word() {
        assert_eq!(kept("mcp").unwrap(), "mcp");
        assert_eq!(kept(" MCP ").unwrap(), "mcp");
        assert_eq!(kept("github-action/2.1").unwrap(), "github-action/2.1");
        assert_eq!(kept("<script>alert(1)").unwrap(), "script-alert-1");
        assert_eq!(kept("a\r\nb\u{202e}c\u{200b}").unwrap(), "a-b-c");
        assert_eq!(kept(&"x".repeat(10_000)).unwrap(), "x".repeat(32));
        for nothing in ["", "  ", "---", "\u{202e}", "日本"] {
            assert_eq!(kept(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn a_key_is_no_source() {
        let url = "https://u:hunter2@example.com";
        assert_eq!(kept(url), None);
    }

    proptest! {
        #[test]
        fn what_was_kept_is_kept_as_it_is(text in ".{0,80}") {
            if let Some(kept_once) = kept(&text) {
                prop_assert!(kept_once.len() <= 32);
                prop_assert_eq!(kept(&kept_once).unwrap(), kept_once);
            }
        }
    }
}
