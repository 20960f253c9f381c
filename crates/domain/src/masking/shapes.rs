//! Finds what is a secret by its shape: Reoclo's own tokens, and passwords and tokens in URLs.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Match, packed};
use memchr::memmem::Finder;

use super::LONGEST_AUTHORITY;
use super::authority::{Authority, Scheme, Step};
use super::parameters::Parameters;
use crate::token::TOKEN_TAIL_LEN;
use crate::{TokenKind, find_tokens};

/// What stands before an authority; the second as JSON has it with some, the others as it is in
/// a parameter of another URL.
const SLASHES: [&str; 4] = ["//", r"\/\/", "%2F%2F", "%2f%2f"];
/// The most bytes of them that may stand in another part.
const SLASHES_BEFORE: u64 = 5;

/// The beginnings of everything that has a shape; the tokens' first.
static BEGINNINGS: LazyLock<Option<Beginnings>> = LazyLock::new(|| {
    let prefixes = TokenKind::ALL.map(TokenKind::prefix);
    let all = || prefixes.iter().chain(&SLASHES[1..]);
    Some(Beginnings {
        automaton: AhoCorasick::new(all()).ok()?,
        packed: packed::Searcher::new(all()),
    })
});

/// A search for several short texts at once.
struct Beginnings {
    automaton: AhoCorasick,
    /// With the processor's wide registers, where there are any: several times as fast, since the
    /// automaton looks at every place with one of a few letters.
    packed: Option<packed::Searcher>,
}

impl Beginnings {
    fn find_iter<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = Match> + 'a {
        let packed = self.packed.as_ref().map(|packed| packed.find_iter(text));
        let other = packed.is_none().then(|| self.automaton.find_iter(text));
        packed
            .into_iter()
            .flatten()
            .chain(other.into_iter().flatten())
    }
}

/// Where the first of the slashes stand, which are looked for by themselves: so short a pattern
/// among others makes the search for all of them slow.
struct Slashes<'a> {
    text: &'a [u8],
    /// What was looked at.
    next: usize,
    found: Option<usize>,
}

static PLAIN_SLASHES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(SLASHES[0]));

impl<'a> Slashes<'a> {
    fn of(text: &'a [u8]) -> Self {
        let found = PLAIN_SLASHES.find(text);
        Self {
            text,
            next: 0,
            found,
        }
    }

    /// The next ones that begin before `end`.
    fn next_before(&mut self, end: usize) -> Option<Range<usize>> {
        let start = self.found.filter(|start| *start < end)?;
        self.next = start + SLASHES[0].len();
        let rest = &self.text[self.next..];
        self.found = PLAIN_SLASHES.find(rest).map(|at| self.next + at);
        Some(start..self.next)
    }
}

/// The search through one stream.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    state: State,
    /// Beginnings before this position were found.
    searched: u64,
    /// What was read of authorities so far.
    read: u64,
    parameters: Parameters,
    /// Where URLs began in the part that is looked at.
    urls: Vec<u64>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Plain,
    /// A URL whose authority goes on.
    Authority(Authority),
    /// One that took too long: everything is hidden, up to `@` or a blank.
    Hiding { start: u64, next: u64 },
}

/// A part of a stream.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) text: &'a [u8],
    /// The position of its first byte.
    pub(super) start: u64,
    /// The last bytes before it.
    pub(super) before: &'a [u8],
}

impl<'a> Part<'a> {
    fn whole(text: &'a [u8]) -> Self {
        Self {
            text,
            start: 0,
            before: &[],
        }
    }

    pub(super) fn end(&self) -> u64 {
        self.start + self.text.len() as u64
    }

    pub(super) fn from(&self, position: u64) -> &'a [u8] {
        let at = position.saturating_sub(self.start);
        let at = usize::try_from(at).map_or(self.text.len(), |at| at.min(self.text.len()));
        &self.text[at..]
    }

    /// What stands before the position, backwards.
    fn before(&self, position: u64) -> impl Iterator<Item = &u8> {
        let here = &self.text[..self.text.len() - self.from(position).len()];
        let earlier = usize::try_from(self.start.saturating_sub(position)).unwrap_or(usize::MAX);
        here.iter()
            .rev()
            .chain(self.before.iter().rev().skip(earlier))
    }

    /// What stands before the slashes at a position, if it lets a URL begin there.
    fn scheme_before(&self, position: u64) -> Option<Scheme> {
        let (mut eight, mut from) = ([0; 8], 8);
        for byte in self.before(position).take(8) {
            from -= 1;
            eight[from] = byte.to_ascii_lowercase();
        }
        let before = &eight[from..];
        let colon = [&b":"[..], b"%3a"];
        let Some(scheme) = colon.iter().find_map(|colon| before.strip_suffix(*colon)) else {
            let begins = before
                .last()
                .is_none_or(|last| last.is_ascii_whitespace() || b"'\"`=(,[{<>|".contains(last));
            return begins.then_some(Scheme::None);
        };
        let last = scheme.last()?;
        if !last.is_ascii_alphanumeric() && !b"+-.".contains(last) {
            return None;
        }
        let web = scheme.ends_with(b"http") || scheme.ends_with(b"https");
        Some(if web { Scheme::Web } else { Scheme::Other })
    }

    /// Where slashes begin before the part and end in it.
    fn slashes_at_start(&self) -> Option<Range<u64>> {
        SLASHES.iter().find_map(|slashes| {
            let slashes = slashes.as_bytes();
            let earlier = (1..slashes.len()).find(|earlier| {
                let (left, right) = slashes.split_at(*earlier);
                self.before.ends_with(left) && self.text.starts_with(right)
            })?;
            let start = self.start - earlier as u64;
            Some(start..start + slashes.len() as u64)
        })
    }

    /// Where, at the end of the part, the prefix of a token may begin.
    fn token_at_end(&self) -> u64 {
        let longest = TokenKind::ALL.iter().map(|kind| kind.prefix().len()).max();
        let tail = (self.text.len() + 1).saturating_sub(longest.unwrap_or(0));
        let begins = |at: &usize| {
            let end = &self.text[*at..];
            TokenKind::ALL
                .iter()
                .any(|kind| kind.prefix().as_bytes().starts_with(end))
        };
        let at = (tail..self.text.len()).find(begins);
        self.start + at.unwrap_or(self.text.len()) as u64
    }
}

impl Shapes {
    /// Looks at a part that begins where the last one settled; adds where secrets are. Returns the
    /// position before which none can begin that was not added.
    pub(super) fn push(&mut self, part: Part<'_>, found: &mut Vec<Range<u64>>) -> u64 {
        self.continue_authority(part, found);
        let mut settled = part.end();
        let Some(beginnings) = BEGINNINGS.as_ref() else {
            // Cannot happen with these few; if it did, nothing could be told apart.
            found.push(part.start..part.end());
            return settled;
        };
        let from = self.searched.max(part.start);
        if from == part.start
            && let Some(slashes) = part.slashes_at_start()
        {
            self.begin_authority(part, slashes, found);
        }
        let mut plain = Slashes::of(part.from(from));
        for hit in beginnings.find_iter(part.from(from)) {
            let position = |at: usize| from + at as u64;
            while let Some(slashes) = plain.next_before(hit.start()) {
                let slashes = position(slashes.start)..position(slashes.end);
                self.begin_authority(part, slashes, found);
            }
            if hit.pattern().as_usize() >= TokenKind::ALL.len() {
                let slashes = position(hit.start())..position(hit.end());
                self.begin_authority(part, slashes, found);
                continue;
            }
            let token = part.from(position(hit.start()));
            let longest = hit.len() + TOKEN_TAIL_LEN;
            match find_tokens(&token[..token.len().min(longest)]).first() {
                Some(range) if range.start == 0 => {
                    found.push(position(hit.start())..position(hit.start() + range.end));
                }
                _ if token.len() < longest
                    && token[hit.len()..].iter().all(u8::is_ascii_alphanumeric) =>
                {
                    settled = settled.min(position(hit.start()));
                }
                _ => {}
            }
        }
        while let Some(slashes) = plain.next_before(usize::MAX) {
            let slashes = from + slashes.start as u64..from + slashes.end as u64;
            self.begin_authority(part, slashes, found);
        }
        settled = settled.min(part.token_at_end());
        self.searched = settled.min(part.end().saturating_sub(SLASHES_BEFORE).max(from));
        let urls = std::mem::take(&mut self.urls);
        settled = settled.min(self.parameters.push(part, &urls, found));
        match &self.state {
            State::Authority(authority) => settled.min(authority.start),
            State::Plain | State::Hiding { .. } => settled,
        }
    }

    /// Nothing comes behind the part.
    pub(super) fn finish(&mut self, part: Part<'_>, found: &mut Vec<Range<u64>>) {
        if let State::Authority(authority) = std::mem::take(&mut self.state) {
            found.extend(authority.secrets(part.from(authority.start)));
        }
        self.parameters.finish(part.end(), found);
    }

    /// Where the authority begins that is held back since it could have a password.
    pub(super) fn waiting_url(&self) -> Option<u64> {
        match &self.state {
            State::Authority(authority) => Some(authority.start),
            State::Plain | State::Hiding { .. } => None,
        }
    }

    /// Does not wait any longer: hides what is held back, and what follows it. Says whether it is
    /// hidden: what is only just a password is not.
    pub(super) fn give_up(&mut self, end: u64, found: &mut Vec<Range<u64>>) -> bool {
        let State::Authority(authority) = &self.state else {
            return false;
        };
        if !authority.is_hidden_early() {
            self.state = State::Plain;
            return false;
        }
        let start = authority.start;
        self.state = State::Hiding { start, next: end };
        if start < end {
            found.push(start..end);
        }
        true
    }

    fn begin_authority(
        &mut self,
        part: Part<'_>,
        slashes: Range<u64>,
        found: &mut Vec<Range<u64>>,
    ) {
        let start = slashes.end;
        let Some(scheme) = part.scheme_before(slashes.start) else {
            return;
        };
        self.urls.push(start);
        // One within another: read before, as a part of that.
        if start <= self.read {
            return;
        }
        let encoded = part.before(start).next().is_some_and(|last| *last != b'/');
        self.read = start;
        self.state = State::Authority(Authority::new(start, scheme, encoded));
        self.continue_authority(part, found);
    }

    fn continue_authority(&mut self, part: Part<'_>, found: &mut Vec<Range<u64>>) {
        if let State::Authority(authority) = &mut self.state {
            let ended = authority.read_on(part.from(authority.next)) == Step::End;
            self.read = authority.next;
            if ended {
                found.extend(authority.secrets(part.from(authority.start)));
                self.state = State::Plain;
            } else if authority.next - authority.start >= LONGEST_AUTHORITY as u64 {
                self.give_up(part.end(), found);
            }
        } else if let State::Hiding { start, next } = &mut self.state {
            let rest = part.from(*next);
            let end = rest
                .iter()
                .position(|byte| *byte == b'@' || byte.is_ascii_whitespace());
            let hidden = *next + end.unwrap_or(rest.len()) as u64;
            if *start < hidden {
                found.push(*start..hidden);
            }
            self.read = hidden;
            if end.is_some() {
                self.state = State::Plain;
            } else {
                *next = hidden;
            }
        }
    }
}

/// Whether a text has the beginning of anything with a shape; most have none.
pub(super) fn may_be_in(text: &[u8]) -> bool {
    memchr::memchr2(b'?', b'&', text).is_some()
        || PLAIN_SLASHES.find(text).is_some()
        || BEGINNINGS
            .as_ref()
            .is_none_or(|beginnings| beginnings.find_iter(text).next().is_some())
}

/// Where everything is that has the shape of a secret.
pub(super) fn all(text: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let part = Part::whole(text);
    let mut shapes = Shapes::default();
    shapes.push(part, &mut found);
    shapes.finish(part, &mut found);
    indices(found)
}

/// Where secrets are in the URLs of a text.
#[derive(Debug, Default)]
pub(super) struct UrlSecrets {
    /// Passwords and tokens before `@`.
    pub(super) authorities: Vec<Range<usize>>,
    /// Parameters and paths.
    pub(super) parameters: Vec<Range<usize>>,
}

/// Where the secrets in the URLs of a text are.
pub(super) fn url_secrets(text: &[u8]) -> UrlSecrets {
    let Some(beginnings) = BEGINNINGS.as_ref() else {
        return UrlSecrets::default();
    };
    let (mut authorities, mut parameters) = (Vec::new(), Vec::new());
    let part = Part::whole(text);
    let mut shapes = Shapes::default();
    let mut plain = Slashes::of(text);
    let encoded = beginnings
        .find_iter(text)
        .filter(|hit| hit.pattern().as_usize() >= TokenKind::ALL.len())
        .map(|hit| hit.range());
    for next in encoded.map(Some).chain([None]) {
        let end = next.as_ref().map_or(usize::MAX, |next| next.start);
        while let Some(slashes) = plain.next_before(end) {
            shapes.begin_authority(part, positions(&slashes), &mut authorities);
        }
        if let Some(slashes) = next {
            shapes.begin_authority(part, positions(&slashes), &mut authorities);
        }
    }
    shapes.parameters.push(part, &shapes.urls, &mut parameters);
    shapes.parameters.finish(part.end(), &mut parameters);
    shapes.finish(part, &mut authorities);
    UrlSecrets {
        authorities: indices(authorities),
        parameters: indices(parameters),
    }
}

fn positions(range: &Range<usize>) -> Range<u64> {
    range.start as u64..range.end as u64
}

fn indices(found: Vec<Range<u64>>) -> Vec<Range<usize>> {
    let index = |position: u64| usize::try_from(position).unwrap_or(usize::MAX);
    found
        .into_iter()
        .map(|range| index(range.start)..index(range.end))
        .collect()
}
