use std::ops::Range;
use std::sync::{Arc, LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, MatchKind};
use reoclo_domain::{TokenKind, find_tokens};

/// Values shorter than this are not secrets: hiding them would garble everything.
pub(super) const SHORTEST_SECRET: usize = 6;

/// Characters of a token behind its prefix (DESIGN, rule 1).
const TOKEN_TAIL: usize = 49;

/// The longest token.
const LONGEST_TOKEN: usize = 5 + TOKEN_TAIL;

/// What is to be hidden; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Patterns(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Sorted and without duplicates, so that those with a given beginning stand together.
    secrets: Vec<Box<[u8]>>,
    longest: usize,
    /// Bytes with which a secret or token can begin.
    begins: [bool; 256],
    /// For secrets and the prefixes of tokens. Made with the first output: many commands print
    /// nothing.
    search: OnceLock<Option<Search>>,
}

/// The patterns, compiled for two questions.
#[derive(Debug)]
struct Search {
    /// Whether there is any: answered several times faster, and the answer is no, as a rule.
    any: AhoCorasick,
    /// Where they all are, overlaps included.
    all: AhoCorasick,
}

/// For the commands that come without secrets, which are most: made once.
static TOKENS_ONLY: LazyLock<Patterns> = LazyLock::new(|| Patterns::with(Vec::new()));

impl Patterns {
    /// Hides `secrets`, except those that are too short, and tokens.
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let secrets: Vec<Box<[u8]>> = secrets
            .into_iter()
            .filter(|secret| secret.len() >= SHORTEST_SECRET)
            .map(Box::from)
            .collect();
        if secrets.is_empty() {
            return TOKENS_ONLY.clone();
        }
        Self::with(secrets)
    }

    fn with(mut secrets: Vec<Box<[u8]>>) -> Self {
        secrets.sort_unstable();
        secrets.dedup();
        let longest = secrets.iter().map(|secret| secret.len()).max();
        let mut begins = [false; 256];
        let prefixes = TokenKind::ALL.map(TokenKind::prefix);
        for pattern in prefixes.iter().map(|prefix| prefix.as_bytes()) {
            begins[usize::from(pattern[0])] = true;
        }
        for secret in &secrets {
            begins[usize::from(secret[0])] = true;
        }
        Self(Arc::new(Inner {
            longest: longest.unwrap_or(0).max(LONGEST_TOKEN),
            secrets,
            begins,
            search: OnceLock::new(),
        }))
    }

    /// Where secrets stand in `text`, ordered by where they begin; they may overlap.
    pub(super) fn occurrences(&self, text: &[u8]) -> Vec<Range<usize>> {
        let Some(search) = self.search() else {
            return everything(text);
        };
        if !search.any.is_match(text) {
            return Vec::new();
        }
        let mut found: Vec<Range<usize>> = search
            .all
            .find_overlapping_iter(text)
            .filter_map(|hit| {
                if hit.pattern().as_usize() < TokenKind::ALL.len() {
                    token_at(text, hit.start())
                } else {
                    Some(hit.range())
                }
            })
            .collect();
        found.sort_unstable_by_key(|range| range.start);
        found
    }

    /// Before which position no secret can begin that `text` does not hold to its end.
    pub(super) fn settled(&self, text: &[u8]) -> usize {
        let first = text.len().saturating_sub(self.0.longest - 1);
        (first..text.len())
            .find(|at| self.may_grow(&text[*at..]))
            .unwrap_or(text.len())
    }

    /// Whether `end` is the beginning, and only the beginning, of a secret.
    fn may_grow(&self, end: &[u8]) -> bool {
        if !self.0.begins[usize::from(end[0])] {
            return false;
        }
        let secrets = &self.0.secrets;
        let from = secrets.partition_point(|secret| secret.as_ref() < end);
        let grows = secrets[from..]
            .iter()
            .take_while(|secret| secret.starts_with(end))
            .any(|secret| secret.len() > end.len());
        grows || TokenKind::ALL.iter().any(|kind| begins_token(*kind, end))
    }

    /// `None` when it could not be built, which the bounds on a request do not let happen.
    fn search(&self) -> Option<&Search> {
        self.0
            .search
            .get_or_init(|| {
                let any = self.compile(MatchKind::LeftmostFirst)?;
                let all = self.compile(MatchKind::Standard)?;
                Some(Search { any, all })
            })
            .as_ref()
    }

    fn compile(&self, kind: MatchKind) -> Option<AhoCorasick> {
        let prefixes = TokenKind::ALL.iter().map(|kind| kind.prefix().as_bytes());
        let secrets = self.0.secrets.iter().map(AsRef::as_ref);
        AhoCorasick::builder()
            .match_kind(kind)
            .build(prefixes.chain(secrets))
            .ok()
    }
}

/// What to hide when nothing can be told apart.
fn everything(text: &[u8]) -> Vec<Range<usize>> {
    std::iter::once(0..text.len())
        .filter(|range| !range.is_empty())
        .collect()
}

fn token_at(text: &[u8], start: usize) -> Option<Range<usize>> {
    let end = text.len().min(start + LONGEST_TOKEN);
    find_tokens(&text[start..end])
        .first()
        .filter(|found| found.start == 0)
        .map(|found| start..start + found.end)
}

fn begins_token(kind: TokenKind, end: &[u8]) -> bool {
    let prefix = kind.prefix().as_bytes();
    match end.strip_prefix(prefix) {
        Some(tail) => tail.len() < TOKEN_TAIL && tail.iter().all(u8::is_ascii_alphanumeric),
        None => prefix.starts_with(end),
    }
}
