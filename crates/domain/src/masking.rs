//! What is secret in a text or a stream, and its replacement by `***`.
//!
//! One engine for everything that is stored and for everything that a command prints: the control
//! plane masks commands and what else it keeps with it, the supervisor masks output. Hidden are
//! the values that came with a command, in the forms in which programs print them
//! ([`forms`](self::forms)); passwords and tokens in URLs; and what has the shape of one of
//! Reoclo's own tokens.
//!
//! A byte is hidden when it belongs to any occurrence of anything secret, occurrences that overlap
//! included: of two that do, neither leaves a part of the other behind. Overlapping occurrences
//! become one `***`. The work grows with the length of the text alone, whatever the secrets are
//! (ADR 19).

mod authority;
mod bits;
mod documents;
mod escape;
mod forms;
mod index;
mod known_names;
mod masker;
mod names;
mod parameters;
mod rolling;
mod search;
mod shapes;
mod sieve;
mod unwrapped;

use std::sync::{Arc, LazyLock, OnceLock};

use bytes::Bytes;

pub use masker::Masker;
pub use names::names_a_secret;

use index::Index;

/// Values shorter than this are not hidden: it would garble everything.
pub const SHORTEST_SECRET: usize = 6;
/// How long something that may be a password in a URL is held back, counted in its bytes.
pub const LONGEST_AUTHORITY: usize = 4 * 1024;

/// Values with more bytes than this, together, make work for a thread of its own.
const LIGHT_VALUES: usize = 8 * 1024;
/// The same of a text.
const LIGHT_TEXT: usize = 16 * 1024;

/// What is to be hidden; clones share it.
#[derive(Clone)]
pub struct Patterns(Arc<Inner>);

struct Inner {
    values: Vec<Box<[u8]>>,
    /// Made with the first text: many commands print nothing.
    index: OnceLock<Index>,
}

/// For the commands that come without secrets, which are most.
static SHAPES_ONLY: LazyLock<Patterns> = LazyLock::new(|| Patterns::with(Vec::new()));

impl Patterns {
    /// Hides `values`, except those that are too short, and what has the shape of a secret.
    pub fn new<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut values: Vec<Box<[u8]>> = values
            .into_iter()
            .filter(|value| value.trim_ascii().len() >= SHORTEST_SECRET)
            .map(Box::from)
            .collect();
        if values.is_empty() {
            return SHAPES_ONLY.clone();
        }
        values.sort_unstable();
        values.dedup();
        Self::with(values)
    }

    /// Hides one secret and what is within it, besides what has the shape of one.
    pub fn of_secret(secret: &[u8]) -> Self {
        let within = std::str::from_utf8(secret).map(|secret| secrets_within(secret, true));
        let within = within.unwrap_or_default();
        Self::new(std::iter::once(secret).chain(within.iter().map(String::as_bytes)))
    }

    fn with(values: Vec<Box<[u8]>>) -> Self {
        Self(Arc::new(Inner {
            values,
            index: OnceLock::new(),
        }))
    }

    /// Whether masking a text of this length is too little work to be moved to another thread.
    pub fn is_light(&self, text: usize) -> bool {
        let bytes: usize = self.0.values.iter().map(|value| value.len()).sum();
        bytes == 0 || (bytes <= LIGHT_VALUES && text <= LIGHT_TEXT)
    }

    /// The text with everything secret in it replaced by `***`.
    pub fn masked(&self, text: &str) -> String {
        let mut masker = Masker::new(self.clone());
        let mut masked = Vec::with_capacity(text.len());
        masker.push(Bytes::copy_from_slice(text.as_bytes()), |piece| {
            masked.extend_from_slice(&piece);
        });
        masker.finish(|piece| masked.extend_from_slice(&piece));
        String::from_utf8_lossy(&masked).into_owned()
    }

    /// `None` when there are no values.
    fn index(&self) -> Option<&Index> {
        if self.0.values.is_empty() {
            return None;
        }
        Some(self.0.index.get_or_init(|| Index::of(&self.0.values)))
    }
}

impl std::fmt::Debug for Patterns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Patterns({})", self.0.values.len())
    }
}

/// Hides what is a secret by its shape alone: passwords in URLs and Reoclo's own tokens.
pub fn masked_shapes(text: &str) -> String {
    if shapes::may_be_in(text.as_bytes()) {
        SHAPES_ONLY.masked(text)
    } else {
        text.to_owned()
    }
}

/// Replaces every byte of what is a secret by its shape by `*`, so that nothing moves; says whether
/// there was any that was not hidden before.
pub fn blot_shapes(text: &mut [u8]) -> bool {
    let mut changed = false;
    for range in shapes::all(text) {
        for byte in &mut text[range] {
            changed |= *byte != b'*';
            *byte = b'*';
        }
    }
    changed
}

/// The passwords and tokens inside the URLs of a text, as they stand there and decoded.
pub fn url_secrets(text: &str) -> Vec<String> {
    let found = shapes::url_secrets(text.as_bytes());
    let parameters = found
        .parameters
        .into_iter()
        .filter(|range| !is_common(&text.as_bytes()[range.clone()]));
    let mut secrets = Vec::new();
    for range in found.authorities.into_iter().chain(parameters) {
        let secret = String::from_utf8_lossy(&text.as_bytes()[range]).into_owned();
        let decoded = forms::percent_decoded(secret.as_bytes());
        let decoded = String::from_utf8_lossy(&decoded).into_owned();
        if decoded != secret {
            secrets.push(decoded);
        }
        secrets.push(secret);
    }
    secrets
}

/// The secrets within the value of a variable, when it is JSON, a file of variables, a login, or
/// base64 of one: with `is_secret`, which says that the whole is one, everything but what has an
/// evidently public name; otherwise what has the name of a secret, and passwords in URLs.
pub fn secrets_within(value: &str, is_secret: bool) -> Vec<String> {
    documents::within(value, is_secret)
}

/// Short parameters of small letters alone, as in `?key=config`, and variables are hidden in their
/// URL, and not wherever the word stands in output.
fn is_common(parameter: &[u8]) -> bool {
    let word = |byte: &u8| byte.is_ascii_lowercase() || b"-_.".contains(byte);
    parameter.starts_with(b"$")
        || parameter.len() < 8
        || (parameter.len() < 16 && parameter.iter().all(word))
}

#[cfg(test)]
mod tests;
