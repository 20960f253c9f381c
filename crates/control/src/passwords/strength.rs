//! How soon somebody who knows how people choose passwords finds one.

use reoclo_domain::Secret;
use zxcvbn::{Score, zxcvbn};

/// The characters that are looked at: the work grows with their square.
const LOOKED_AT: usize = 128;
/// The most characters of what is known about somebody that are looked for.
const MAX_ABOUT: usize = 254;

/// Whether fewer than some 10^8 guesses find it, beginning with what is common and with what is
/// known `about` whoever chose it.
pub(super) fn is_guessed_soon(password: &Secret, about: &[&str]) -> bool {
    let seen: String = password.expose().chars().take(LOOKED_AT).collect();
    zxcvbn(&seen, &words(about)).score() < Score::Three
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
    fn words_that_do_not_belong_together_and_made_ones_are_good() {
        for good in [
            "correct horse battery",
            "another horse battery",
            "another-password-1",
            "a password of her own",
            "another one of her own",
            "a better one than that",
            "x7dk-q2mf-9tzb-hw4c",
            "пять слов и одна собака",
            "狐は茶色い犬を飛び越えた朝に",
        ] {
            assert!(!is_weak(good), "{good:?}");
        }
        assert!(!is_weak(&"never gonna 7 ".repeat(14)));
    }
}
