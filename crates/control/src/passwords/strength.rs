//! How soon somebody who knows how people choose passwords finds one.

use reoclo_domain::Secret;
use unicode_normalization::UnicodeNormalization;
use zxcvbn::{Score, zxcvbn};

/// The characters that are looked at: the work grows with their square.
const LOOKED_AT: usize = 128;
/// The most characters of what is known about somebody that are looked for.
const MAX_ABOUT: usize = 254;

/// What the lists of passwords have, although no dictionary does.
const FAMOUS: [&str; 3] = [
    "correcthorsebatterystaple",
    "thequickbrownfoxjumpsoverthelazydog",
    "loremipsumdolorsitamet",
];
/// What a guesser tries before a password is good.
const GOOD_LOG10: f64 = 8.0;
/// A year of somebody's life, or of the calendar on the wall: two digits and the century.
const YEAR_LOG10: f64 = 2.0;

/// Whether fewer than some 10^8 guesses find it, beginning with what is common and with what is
/// known `about` whoever chose it.
pub(super) fn is_guessed_soon(password: &Secret, about: &[&str]) -> bool {
    // Letters of another width or form are the same letters to whoever guesses.
    let seen: String = password.expose().nfkc().take(LOOKED_AT).collect();
    let words = words(about);
    zxcvbn(&seen, &words).score() < Score::Three
        || zxcvbn(&plain(&seen), &words).score() < Score::Three
        || is_word_with_trimmings(&plain(&seen), &words)
        || is_famous(&seen)
}

/// Whether it is one word, and then a year, digits or signs: what whoever has to change a
/// password comes up with. Such a pattern is guessed part by part.
fn is_word_with_trimmings(seen: &str, words: &[&str]) -> bool {
    let parts = parts(seen);
    let with_letters = parts.iter().filter(|part| has_letters(part));
    let guesses = |part: &&str| {
        if is_year(part) {
            YEAR_LOG10
        } else {
            zxcvbn(part, words).guesses_log10()
        }
    };
    with_letters.count() == 1 && parts.iter().map(guesses).sum::<f64>() < GOOD_LOG10
}

fn has_letters(part: &str) -> bool {
    part.contains(char::is_alphabetic)
}

fn is_year(part: &str) -> bool {
    let digits = part.bytes().all(|byte| byte.is_ascii_digit());
    digits && part.len() == 4 && (part.starts_with("19") || part.starts_with("20"))
}

/// Runs of letters, of digits and of the rest.
fn parts(seen: &str) -> Vec<&str> {
    let kind = |letter: char| (letter.is_alphabetic(), letter.is_numeric());
    let mut parts = Vec::new();
    let mut rest = seen;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|letter| kind(letter) != kind(first));
        let (part, after) = rest.split_at(end.unwrap_or(rest.len()));
        parts.push(part);
        rest = after;
    }
    parts
}

/// The letters that signs and digits within a word stand for.
fn plain(seen: &str) -> String {
    let letters: Vec<char> = seen.chars().collect();
    let is_letter = |at: usize| letters.get(at).is_some_and(|letter| letter.is_alphabetic());
    let within = |at: usize| at > 0 && is_letter(at - 1) && is_letter(at + 1);
    let letters = letters.iter().enumerate();
    letters
        .map(|(at, letter)| match letter {
            '@' | '4' if within(at) => 'a',
            '0' if within(at) => 'o',
            '1' | '!' if within(at) => 'i',
            '3' if within(at) => 'e',
            '5' | '$' if within(at) => 's',
            '7' if within(at) => 't',
            _ => *letter,
        })
        .collect()
}

fn is_famous(seen: &str) -> bool {
    let kept = seen.chars().filter(|letter| letter.is_alphanumeric());
    let kept: String = kept.flat_map(char::to_lowercase).collect();
    FAMOUS.iter().any(|famous| {
        let more = kept.len().saturating_sub(famous.len());
        kept.contains(famous) && more < 8
    })
}

/// Each as a whole and in its parts, so that the name before an `@` is found too.
fn words<'a>(about: &[&'a str]) -> Vec<&'a str> {
    let short = about
        .iter()
        .filter(|text| text.chars().count() <= MAX_ABOUT);
    let parts = short.flat_map(|text| {
        let parts = text.split(|letter: char| !letter.is_alphanumeric());
        parts.chain([*text])
    });
    let mut words: Vec<&str> = parts.filter(|part| part.len() > 2).collect();
    words.push("reoclo");
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_weak(password: &str) -> bool {
        let about = ["Grace Hopper", "grace.hopper@example.com"];
        is_guessed_soon(&Secret::new(password), &about)
    }

    #[test]
    fn what_people_and_lists_come_up_with_first_is_guessed_soon() {
        for weak in [
            "passwordpassword",
            "            ",
            "aaaaaaaaaaaaaaaa",
            "123456789012",
            "qwertyuiopasdf",
            "abcabcabcabcabc",
            "Password1234!",
            "reocloreoclo",
            "hopperhopper",
            "grace.hopper@example.com",
        ] {
            assert!(is_weak(weak), "{weak:?}");
        }
        assert!(is_weak(&"a".repeat(200)));
    }

    #[test]
    fn a_word_with_what_has_to_be_added_is_guessed_soon() {
        for weak in [
            "Summer2026!!",
            "Winter-2025!",
            "!!Oktober2024",
            "Admin@123456",
            "P@ssw0rd2026!",
            "Welcome12345!",
            "Reoclo-2026!!",
            "grace.hopper@example.com1",
            "correcthorsebatterystaple",
            "Correct Horse Battery Staple!",
            "ｐａｓｓｗｏｒｄｐａｓｓｗｏｒｄ",
            "Ｓｕｍｍｅｒ２０２６！！",
        ] {
            assert!(is_weak(weak), "{weak:?}");
        }
    }

    #[test]
    fn words_that_do_not_belong_together_and_made_ones_are_good() {
        for good in [
            "correct horse battery",
            "another horse battery",
            "another-password-1",
            "a password of her own",
            "another one of her own",
            "a better one than that",
            "x7dk-q2mf-9tzb-hw4c",
            "xkvqzwjdhrplm2026",
            "correct-horse-Battery-9staple",
            "stapled correct giraffe 9",
            "пять слов и одна собака",
            "狐は茶色い犬を飛び越えた朝に",
        ] {
            assert!(!is_weak(good), "{good:?}");
        }
        assert!(!is_weak(&"never gonna 7 ".repeat(14)));
    }
}
