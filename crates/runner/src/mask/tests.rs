use proptest::prelude::*;
use reoclo_domain::{Entropy, PlainToken, TokenKind};

use super::*;

struct Fixed(u8);

impl Entropy for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(self.0);
    }
}

fn patterns(secrets: &[&str]) -> Patterns {
    Patterns::new(secrets.iter().map(|secret| secret.as_bytes()))
}

fn masked(patterns: &Patterns, chunks: &[&[u8]]) -> Vec<u8> {
    let mut masker = Masker::new(patterns.clone());
    let mut out = Vec::new();
    for chunk in chunks {
        masker.push(Bytes::copy_from_slice(chunk), |piece| {
            out.extend_from_slice(&piece);
        });
    }
    masker.finish(|piece| out.extend_from_slice(&piece));
    out
}

/// The rule, written down as plainly as it can be.
fn reference(secrets: &[Vec<u8>], text: &[u8]) -> Vec<u8> {
    let occurrence = |at: usize| {
        let secrets = secrets
            .iter()
            .filter(|secret| secret.len() >= 6 && text[at..].starts_with(secret))
            .map(Vec::len);
        let tokens = find_token(&text[at..]);
        secrets.chain(tokens).max().map(|len| at + len)
    };
    let mut out = Vec::new();
    let mut hidden_to = 0;
    for (at, byte) in text.iter().enumerate() {
        if let Some(end) = occurrence(at) {
            if at >= hidden_to {
                out.extend_from_slice(b"***");
            }
            hidden_to = hidden_to.max(end);
        }
        if at >= hidden_to {
            out.push(*byte);
        }
    }
    out
}

fn find_token(text: &[u8]) -> Option<usize> {
    TokenKind::ALL.into_iter().find_map(|kind| {
        let tail = text.strip_prefix(kind.prefix().as_bytes())?.get(..49)?;
        tail.iter()
            .all(u8::is_ascii_alphanumeric)
            .then_some(kind.prefix().len() + 49)
    })
}

#[test]
fn secrets_become_stars() {
    let patterns = patterns(&["hunter2", "short", "two\nlines"]);
    let text = b"a hunter2 short two\nlines hunter2hunter2".as_slice();
    assert_eq!(masked(&patterns, &[text]), b"a *** short *** ******");
}

#[test]
fn the_longest_wins_and_an_overlap_leaves_nothing_behind() {
    let patterns = patterns(&["secret", "secret-longer", "longer-still"]);
    assert_eq!(masked(&patterns, &[b"<secret-longer>"]), b"<***>");
    assert_eq!(masked(&patterns, &[b"<secret-longer-still>"]), b"<***>");
    assert_eq!(masked(&patterns, &[b"<secret-long>"]), b"<***-long>");
}

#[test]
fn a_secret_cut_anywhere_is_found() {
    let patterns = patterns(&["hunter2-is-the-password"]);
    let text = b"login: hunter2-is-the-password!".as_slice();
    for at in 0..text.len() {
        let (left, right) = text.split_at(at);
        assert_eq!(masked(&patterns, &[left, right]), b"login: ***!");
    }
}

#[test]
fn tokens_of_every_kind_are_always_hidden() {
    let patterns = patterns(&[]);
    for kind in TokenKind::ALL {
        let token = PlainToken::generate(kind, &Fixed(77));
        let text = format!("key={} rest", token.expose());
        let (left, right) = text.as_bytes().split_at(20);
        assert_eq!(masked(&patterns, &[left, right]), b"key=*** rest");
    }
}

#[test]
fn only_a_possible_beginning_is_held_back() {
    let mut masker = Masker::new(patterns(&["hunter2"]));
    let mut seen = Vec::new();
    masker.push(Bytes::from_static(b"who? hun"), |piece| {
        seen.extend_from_slice(&piece);
    });
    assert_eq!(seen, b"who? ");
    masker.push(Bytes::from_static(b"ger"), |piece| {
        seen.extend_from_slice(&piece);
    });
    // The `r` could begin a token.
    assert_eq!(seen, b"who? hunge");
    masker.finish(|piece| seen.extend_from_slice(&piece));
    assert_eq!(seen, b"who? hunger");
}

#[test]
fn what_is_held_back_stays_bounded() {
    let mut masker = Masker::new(patterns(&["aaaaaaaaaa"]));
    for _ in 0..1000 {
        masker.push(Bytes::from_static(b"aaaaaaaaaaaaaaa"), |_| {});
        assert!(masker.pending.len() < 54);
    }
}

/// A text of few letters, so that secrets overlap, repeat and contain each other.
fn letters(most: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(b"abr".as_slice()), 0..most)
}

fn cut(text: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
    let mut chunks = Vec::new();
    let mut rest = text;
    for cut in cuts {
        let (left, right) = rest.split_at((*cut).min(rest.len()));
        chunks.push(left.to_vec());
        rest = right;
    }
    chunks.push(rest.to_vec());
    chunks
}

proptest! {
    #[test]
    fn cutting_changes_nothing_and_no_secret_is_left(
        secrets in prop::collection::vec(letters(12), 0..6),
        text in letters(200),
        token_at in 0_usize..200,
        cuts in prop::collection::vec(0_usize..20, 0..30),
    ) {
        let token = PlainToken::generate(TokenKind::Integration, &Fixed(5));
        let mut text = text;
        let at = token_at.min(text.len());
        text.splice(at..at, token.expose().bytes());
        let patterns = Patterns::new(secrets.iter().map(Vec::as_slice));
        let chunks = cut(&text, &cuts);
        let chunks: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
        let out = masked(&patterns, &chunks);
        prop_assert_eq!(&out, &reference(&secrets, &text));
        for secret in secrets.iter().filter(|secret| secret.len() >= 6) {
            prop_assert!(!out.windows(secret.len()).any(|window| window == secret));
        }
    }
}
