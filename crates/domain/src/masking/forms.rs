//! The forms in which programs print a value.
//!
//! As it is but for the white space around it, and line by line; and each of these as JSON, as a
//! part of a URL, as a shell quotes it, as HTML, as hexadecimal digits and as base64: in a text of
//! its own, and within a longer one, which begins in one of three places.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::SHORTEST_SECRET;

/// Shorter lines of a value with several are too common to be hidden.
const SHORTEST_LINE: usize = 8;

/// Longer texts are not hidden where every character is escaped: it would take too much memory.
const LONGEST_SPELLED_OUT: usize = 256;

const LOWER: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";

/// Characters that stand for themselves in a URL, besides letters and digits: as RFC 3986 has it,
/// as `encodeURIComponent`, Python's `quote` and `encodeURI` do it.
const URL_PLAIN: [&[u8]; 4] = [b"-._~", b"-._~!'()*", b"-._~/", b"-._~!'()*;/?:@&=+$,#"];
/// The same where a blank becomes `+`: in forms, and in Python's `quote_plus`.
const FORM_PLAIN: [&[u8]; 2] = [b"-._*", b"-._~"];

/// Calls `take` with everything that is to be hidden for `value`.
pub(super) fn of(value: &[u8], mut take: impl FnMut(Vec<u8>)) {
    let mut forms = HashSet::new();
    let text = value.trim_ascii();
    for text in texts(text) {
        encoded(&text, &mut forms);
        forms.insert(text);
    }
    for whole in [value, &[text, b"\n"].concat()] {
        whole_base64(whole, &mut forms);
    }
    forms
        .into_iter()
        .filter(|form| form.len() >= SHORTEST_SECRET)
        .for_each(&mut take);
}

/// The value in one piece, with other line ends and blanks, and its lines.
fn texts(text: &[u8]) -> HashSet<Vec<u8>> {
    let lines = || text.split(|byte| matches!(byte, b'\n' | b'\r'));
    let joined = |by: &[u8]| {
        let lines: Vec<&[u8]> = text
            .split(|byte| *byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
            .collect();
        lines.join(by)
    };
    let words: Vec<&[u8]> = text
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .collect();
    let mut texts = HashSet::from([text.to_vec(), joined(b"\n"), joined(b"\r\n")]);
    // What a shell makes of a variable that is not quoted.
    texts.insert(words.join(&b' '));
    // What the `echo` of many a shell makes of backslashes.
    texts.insert(backslashes_read(text));
    texts.retain(|text| text.len() >= SHORTEST_SECRET);
    let long = lines()
        .map(<[u8]>::trim_ascii)
        .filter(|line| line.len() >= SHORTEST_LINE);
    texts.extend(long.map(<[u8]>::to_vec));
    texts
}

fn encoded(text: &[u8], forms: &mut HashSet<Vec<u8>>) {
    json(text, forms);
    urls(text, forms);
    shell(text, forms);
    html(text, forms);
    quotes_doubled(text, forms);
    for digits in [LOWER, UPPER] {
        forms.insert(hex(text, digits));
        escaped_bytes(text, digits, forms);
        if text.len() <= LONGEST_SPELLED_OUT {
            spelled_out(text, digits, forms);
        }
    }
    whole_base64(text, forms);
    inner_base64(text, forms);
}

/// As SQL and CSV write quotes.
fn quotes_doubled(text: &[u8], forms: &mut HashSet<Vec<u8>>) {
    forms.insert(replaced(text, |byte| (byte == b'\'').then_some(&b"''"[..])));
    forms.insert(replaced(text, |byte| {
        (byte == b'"').then_some(&b"\"\""[..])
    }));
}

/// As Python and `strace` show bytes that are no ASCII: `\xc3\xa9`, `\303\251`.
fn escaped_bytes(text: &[u8], digits: &[u8; 16], forms: &mut HashSet<Vec<u8>>) {
    if text.is_ascii() {
        return;
    }
    // What is quoted around it decides which quotes have a backslash.
    for quotes in [&b""[..], b"'", b"\""] {
        for octal in [false, true] {
            let mut escaped = Vec::with_capacity(text.len() * 4);
            for byte in text {
                match byte {
                    b'\n' => escaped.extend_from_slice(b"\\n"),
                    b'\r' => escaped.extend_from_slice(b"\\r"),
                    b'\t' => escaped.extend_from_slice(b"\\t"),
                    byte if *byte == b'\\' || quotes.contains(byte) => {
                        escaped.extend_from_slice(&[b'\\', *byte]);
                    }
                    byte if byte.is_ascii() => escaped.push(*byte),
                    byte if octal => escaped.extend_from_slice(format!("\\{byte:o}").as_bytes()),
                    byte => {
                        escaped.extend_from_slice(b"\\x");
                        escaped.extend_from_slice(&hex(&[*byte], digits));
                    }
                }
            }
            forms.insert(escaped);
        }
    }
}

/// Every character escaped: `%70%40`, `\u0070`, `\x70`, `&#112;`, `&#x70;`; and hexadecimal digits
/// with something between bytes, as `od`, `xxd` and `hexdump` print lines.
fn spelled_out(text: &[u8], digits: &[u8; 16], forms: &mut HashSet<Vec<u8>>) {
    let bytes = |before: &str, between: &str| {
        let mut all = Vec::with_capacity(text.len() * 4);
        for (at, byte) in text.iter().enumerate() {
            if at > 0 {
                all.extend_from_slice(between.as_bytes());
            }
            all.extend_from_slice(before.as_bytes());
            all.extend_from_slice(&hex(&[*byte], digits));
        }
        all
    };
    for (before, between) in [
        ("%", ""),
        ("\\x", ""),
        ("", " "),
        ("", ":"),
        ("", "-"),
        ("0x", ", "),
    ] {
        forms.insert(bytes(before, between));
    }
    // `xxd` has two bytes together; a value may begin with either.
    for first in [1, 2] {
        let (odd, even) = text.split_at(first.min(text.len()));
        let groups = std::iter::once(odd).chain(even.chunks(2));
        let groups: Vec<Vec<u8>> = groups.map(|group| hex(group, digits)).collect();
        forms.insert(groups.join(&b' '));
    }
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let units = text.encode_utf16().flat_map(|unit| {
        let unit = hex(&unit.to_be_bytes(), digits);
        [&b"\\u"[..], &unit].concat()
    });
    forms.insert(units.collect());
    for hexadecimal in [false, true] {
        let entity = |letter: char| match (hexadecimal, digits == UPPER) {
            (false, _) => format!("&#{};", u32::from(letter)),
            (true, false) => format!("&#x{:x};", u32::from(letter)),
            (true, true) => format!("&#x{:X};", u32::from(letter)),
        };
        forms.insert(text.chars().map(entity).collect::<String>().into_bytes());
    }
}

/// Base64 of a text by itself.
fn whole_base64(text: &[u8], forms: &mut HashSet<Vec<u8>>) {
    let standard = STANDARD.encode(text);
    let url_safe = URL_SAFE_NO_PAD.encode(text);
    if standard.ends_with('=') {
        forms.insert(STANDARD_NO_PAD.encode(text).into_bytes());
        let padded = url_safe.clone() + standard.trim_start_matches(|c| c != '=');
        forms.insert(padded.into_bytes());
    }
    forms.insert(standard.into_bytes());
    forms.insert(url_safe.into_bytes());
}

/// Base64 of a text within a longer one: the characters that it alone decides, for each of the
/// three places at which it can begin.
fn inner_base64(text: &[u8], forms: &mut HashSet<Vec<u8>>) {
    for before in 0..3_usize {
        let longer = [&b"\0\0"[..before], text].concat();
        let first = (before * 8).div_ceil(6);
        let last = longer.len() * 8 / 6;
        for all in [
            STANDARD_NO_PAD.encode(&longer),
            URL_SAFE_NO_PAD.encode(&longer),
        ] {
            forms.insert(all.as_bytes()[first..last.max(first)].to_vec());
        }
    }
}

/// What some write as `\uXXXX` besides what everybody does: for pages, and as .NET does it.
const JSON_ESCAPED: [&str; 4] = ["", "<>&", "<>&'", "<>&'\"+`"];

/// JSON as it is usual, with everything that some escape besides; and twice over.
fn json(text: &[u8], forms: &mut HashSet<Vec<u8>>) {
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    for ascii in [false, true] {
        for slashes in [false, true] {
            for escaped in JSON_ESCAPED {
                for digits in [b"0123456789abcdef", b"0123456789ABCDEF"] {
                    let escape = |character: char| match character {
                        '/' => slashes,
                        character if character.is_ascii() => escaped.contains(character),
                        _ => ascii,
                    };
                    forms.insert(json_text(text, escape, digits).into_bytes());
                }
            }
        }
    }
    for ascii in [false, true] {
        let once = json_text(text, |letter| ascii && !letter.is_ascii(), LOWER);
        let twice = json_text(&once, |letter| ascii && !letter.is_ascii(), LOWER);
        let late = json_text(&once, |letter| !letter.is_ascii(), LOWER);
        forms.extend([twice, late].map(String::into_bytes));
    }
}

fn json_text(text: &str, escape: impl Fn(char) -> bool, digits: &[u8; 16]) -> String {
    let mut json = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' if !escape('"') => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '\u{8}' => json.push_str("\\b"),
            '\u{c}' => json.push_str("\\f"),
            '/' if escape('/') => json.push_str("\\/"),
            character if character.is_control() || escape(character) => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    json.push_str("\\u");
                    for byte in unit.to_be_bytes() {
                        json.push(char::from(digits[usize::from(byte >> 4)]));
                        json.push(char::from(digits[usize::from(byte & 15)]));
                    }
                }
            }
            character => json.push(character),
        }
    }
    json
}

fn urls(text: &[u8], forms: &mut HashSet<Vec<u8>>) {
    for digits in [b"0123456789ABCDEF", b"0123456789abcdef"] {
        for plain in URL_PLAIN {
            forms.insert(percent_encoded(text, plain, false, digits));
        }
        for plain in FORM_PLAIN {
            forms.insert(percent_encoded(text, plain, true, digits));
        }
    }
}

fn percent_encoded(text: &[u8], plain: &[u8], plus: bool, digits: &[u8; 16]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            b' ' if plus => encoded.push(b'+'),
            byte if byte.is_ascii_alphanumeric() || plain.contains(byte) => encoded.push(*byte),
            byte => {
                encoded.push(b'%');
                encoded.extend_from_slice(&hex(&[*byte], digits));
            }
        }
    }
    encoded
}

/// A text in which `%41` stands for `A`.
pub(super) fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| {
        let byte = *text.get(at)?;
        u8::try_from(char::from(byte).to_digit(16)?).ok()
    };
    let mut decoded = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        match (text[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(high << 4 | low);
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

/// As shells show what they run (`set -x`) and what is set (`export -p`, `printf %q`).
fn shell(text: &[u8], forms: &mut HashSet<Vec<u8>>) {
    let plain = |byte: u8| {
        byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(&byte) || !byte.is_ascii()
    };
    forms.insert(replaced(text, |byte| {
        (byte == b'\'').then_some(&b"'\\''"[..])
    }));
    forms.insert(replaced(text, |byte| {
        (byte == b'\'').then_some(&b"'\"'\"'"[..])
    }));
    forms.insert(backslashed(text, |byte| !plain(byte)));
    forms.insert(backslashed(text, |byte| b"\"\\$`".contains(&byte)));
    forms.insert(replaced(text, |byte| {
        Some(match byte {
            b'\'' => b"\\'",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            _ => return None,
        })
    }));
}

fn html(text: &[u8], forms: &mut HashSet<Vec<u8>>) {
    let quotes: [(&[u8], &[u8]); 7] = [
        (b"\"", b"'"),
        (b"&quot;", b"'"),
        (b"&quot;", b"&#39;"),
        (b"&quot;", b"&#039;"),
        (b"&quot;", b"&#x27;"),
        (b"&quot;", b"&apos;"),
        (b"&#34;", b"&#39;"),
    ];
    for (double, single) in quotes {
        forms.insert(replaced(text, |byte| {
            Some(match byte {
                b'&' => b"&amp;",
                b'<' => b"&lt;",
                b'>' => b"&gt;",
                b'"' => double,
                b'\'' => single,
                _ => return None,
            })
        }));
    }
}

fn replaced<'a>(text: &[u8], by: impl Fn(u8) -> Option<&'a [u8]>) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(text.len());
    for byte in text {
        match by(*byte) {
            Some(other) => replaced.extend_from_slice(other),
            None => replaced.push(*byte),
        }
    }
    replaced
}

fn backslashed(text: &[u8], which: impl Fn(u8) -> bool) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(text.len());
    for byte in text {
        if which(*byte) {
            escaped.push(b'\\');
        }
        escaped.push(*byte);
    }
    escaped
}

/// What `echo` of dash prints.
fn backslashes_read(text: &[u8]) -> Vec<u8> {
    let mut read = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let escaped = match (text[at], text.get(at + 1)) {
            (b'\\', Some(b'a')) => Some(7),
            (b'\\', Some(b'b')) => Some(8),
            (b'\\', Some(b'f')) => Some(12),
            (b'\\', Some(b'n')) => Some(b'\n'),
            (b'\\', Some(b'r')) => Some(b'\r'),
            (b'\\', Some(b't')) => Some(b'\t'),
            (b'\\', Some(b'v')) => Some(11),
            (b'\\', Some(b'\\')) => Some(b'\\'),
            _ => None,
        };
        if escaped.is_none() && text[at..].starts_with(b"\\c") {
            break;
        }
        read.push(escaped.unwrap_or(text[at]));
        at += if escaped.is_some() { 2 } else { 1 };
    }
    read
}

fn hex(text: &[u8], digits: &[u8; 16]) -> Vec<u8> {
    text.iter()
        .flat_map(|byte| {
            [
                digits[usize::from(byte >> 4)],
                digits[usize::from(byte & 15)],
            ]
        })
        .collect()
}
