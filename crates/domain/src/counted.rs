//! Numbers in sentences.

use std::fmt::Display;

/// A number with what it counts: `1 time`, `2 times`, `0.5 seconds`, `3 entries`.
pub fn counted(number: impl Display, one: &str) -> String {
    let number = number.to_string();
    if number == "1" {
        return format!("1 {one}");
    }
    let vowel = |letter: char| "aeiou".contains(letter);
    match one.strip_suffix('y') {
        Some(stem) if !stem.ends_with(vowel) => format!("{number} {stem}ies"),
        _ if one.ends_with('s') => format!("{number} {one}es"),
        _ => format!("{number} {one}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_said_as_one_and_the_rest_as_many() {
        for (said, expected) in [
            (counted(1, "time"), "1 time"),
            (counted(0, "time"), "0 times"),
            (counted(2_u64, "second"), "2 seconds"),
            (counted(1.0_f64, "second"), "1 second"),
            (counted(0.5, "second"), "0.5 seconds"),
            (counted(1, "entry"), "1 entry"),
            (counted(3, "entry"), "3 entries"),
            (counted(7, "day"), "7 days"),
            (counted(2, "process"), "2 processes"),
        ] {
            assert_eq!(said, expected);
        }
    }
}
