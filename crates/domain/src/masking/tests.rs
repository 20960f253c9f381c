use proptest::prelude::*;

use super::*;
use crate::{Entropy, PlainToken, TokenKind};

struct Fixed(u8);

impl Entropy for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(self.0);
    }
}

fn patterns(values: &[&str]) -> Patterns {
    Patterns::new(values.iter().map(|value| value.as_bytes()))
}

fn masked<'a>(patterns: &Patterns, chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
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

/// The masked text, the same wherever it is cut.
fn text_masked(values: &[&str], text: &str) -> String {
    let patterns = patterns(values);
    let whole = patterns.masked(text);
    for size in [1, 2, 3, 7, 64] {
        let cut = masked(&patterns, text.as_bytes().chunks(size));
        assert_eq!(String::from_utf8_lossy(&cut), whole, "in pieces of {size}");
    }
    whole
}

/// The rule for values, written down as plainly as it can be.
fn reference(forms: &[Vec<u8>], text: &[u8]) -> Vec<u8> {
    let occurrence = |at: usize| {
        let forms = forms
            .iter()
            .filter(|form| text[at..].starts_with(form))
            .map(Vec::len);
        forms.chain(find_token(&text[at..])).max()
    };
    let mut out = Vec::new();
    let mut hidden_to = 0;
    for (at, byte) in text.iter().enumerate() {
        if let Some(len) = occurrence(at) {
            if at >= hidden_to {
                out.extend_from_slice(b"***");
            }
            hidden_to = hidden_to.max(at + len);
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
fn values_become_stars() {
    let text = "a hunter2 short two\nlines hunter2hunter2";
    let values = ["hunter2", "short", "two\nlines"];
    assert_eq!(text_masked(&values, text), "a *** short *** ******");
}

#[test]
fn the_longest_wins_and_an_overlap_leaves_nothing_behind() {
    let values = ["secret", "secret-longer", "longer-still"];
    assert_eq!(text_masked(&values, "<secret-longer>"), "<***>");
    assert_eq!(text_masked(&values, "<secret-longer-still>"), "<***>");
    assert_eq!(text_masked(&values, "<secret-long>"), "<***-long>");
}

#[test]
fn tokens_of_every_kind_are_always_hidden() {
    for kind in TokenKind::ALL {
        let token = PlainToken::generate(kind, &Fixed(77));
        let text = format!("key={0} https://{0}@host {0}", token.expose());
        assert_eq!(text_masked(&[], &text), "key=*** https://***@host ***");
    }
}

#[test]
fn white_space_around_a_value_is_no_part_of_it() {
    let values = ["  s3cr3tvalue-123\n"];
    assert_eq!(text_masked(&values, "X=s3cr3tvalue-123\n"), "X=***\n");
    assert_eq!(text_masked(&["abc   \n"], "abc   \n"), "abc   \n");
    // As a shell prints a variable that is not quoted.
    assert_eq!(text_masked(&["two  words\there"], "two words here"), "***");
}

const KEY: &str = "-----BEGIN KEY-----\n\
    MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n\
    MzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6dVMvDuictGeurT8jNbvJZHtCSuYEvu\n\
    NMoSfm76oqFvAp8Gy0iz5sxjZm\n\
    aQ==\n\
    -----END KEY-----\n";

#[test]
fn each_line_of_a_value_is_hidden() {
    for line in KEY.lines().filter(|line| line.len() >= 8) {
        assert_eq!(text_masked(&[KEY], &format!("[{line}]")), "[***]");
    }
    assert_eq!(text_masked(&[KEY], &format!("<\n{KEY}>")), "<\n***\n>");
    let windows = KEY.replace('\n', "\r\n");
    assert_eq!(text_masked(&[&windows], &format!("<\n{KEY}>")), "<\n***\n>");
    assert_eq!(text_masked(&[KEY], &windows), "***\r\n");
    let one_line = KEY.trim().replace('\n', " ");
    assert_eq!(text_masked(&[KEY], &one_line), "***");
    // A line break in the middle, as of a terminal or of `fold`.
    let folded = format!("{}\n{}", &KEY[20..64], &KEY[64..84]);
    assert_eq!(text_masked(&[KEY], &folded), "***");
}

#[test]
fn a_value_is_hidden_as_programs_write_it() {
    let value = "pa\"ss/w<o>r&d' \\x$1é";
    for written in [
        r#"pa\"ss/w<o>r&d' \\x$1é"#,
        r#"pa\"ss/w<o>r&d' \\x$1\u00e9"#,
        r#"pa\"ss\/w<o>r&d' \\x$1\u00e9"#,
        r#"pa\"ss/w\u003Co\u003Er\u0026d\u0027 \\x$1\u00E9"#,
        r#"pa\"ss/w\u003co\u003er\u0026d' \\x$1é"#,
        r"pa\u0022ss/w\u003Co\u003Er\u0026d\u0027 \\x$1\u00E9",
        r#"pa\\\"ss/w<o>r&d' \\\\x$1é"#,
        "pa%22ss%2Fw%3Co%3Er%26d%27%20%5Cx%241%C3%A9",
        "pa%22ss%2fw%3co%3er%26d%27%20%5cx%241%c3%a9",
        "pa%22ss%2Fw%3Co%3Er%26d'%20%5Cx%241%C3%A9",
        "pa%22ss/w%3Co%3Er%26d%27%20%5Cx%241%C3%A9",
        "pa%22ss%2Fw%3Co%3Er%26d%27+%5Cx%241%C3%A9",
        r#"pa"ss/w<o>r&d'\'' \x$1é"#,
        r#"pa"ss/w<o>r&d'"'"' \x$1é"#,
        r#"pa\"ss/w<o>r&d' \\x\$1é"#,
        "pa&quot;ss/w&lt;o&gt;r&amp;d&#39; \\x$1é",
        "pa\"ss/w&lt;o&gt;r&amp;d' \\x$1é",
    ] {
        assert_eq!(
            text_masked(&[value], &format!("<{written}>")),
            "<***>",
            "{written}"
        );
    }
    let hex = |upper: bool| -> String {
        let digits = |byte: u8| {
            if upper {
                format!("{byte:02X}")
            } else {
                format!("{byte:02x}")
            }
        };
        value.bytes().map(digits).collect()
    };
    assert_eq!(text_masked(&[value], &hex(false)), "***");
    assert_eq!(text_masked(&[value], &hex(true)), "***");
    assert_eq!(text_masked(&["pass\\tword\\\\1"], "pass\tword\\1"), "***");
}

#[test]
fn a_value_is_hidden_with_every_character_escaped() {
    let value = "p@s\"s'wé";
    for written in [
        "%70%40%73%22%73%27%77%c3%a9",
        "%70%40%73%22%73%27%77%C3%A9",
        r"\u0070\u0040\u0073\u0022\u0073\u0027\u0077\u00e9",
        r"\x70\x40\x73\x22\x73\x27\x77\xc3\xa9",
        "&#112;&#64;&#115;&#34;&#115;&#39;&#119;&#233;",
        "&#x70;&#x40;&#x73;&#x22;&#x73;&#x27;&#x77;&#xe9;",
        "70 40 73 22 73 27 77 c3 a9",
        "70:40:73:22:73:27:77:C3:A9",
        "7040 7322 7327 77c3 a9",
        "70 4073 2273 2777 c3a9",
        "0x70, 0x40, 0x73, 0x22, 0x73, 0x27, 0x77, 0xc3, 0xa9",
        r#"p@s"s\'w\xc3\xa9"#,
        r#"p@s\"s'w\303\251"#,
        "p@s\"s''wé",
        "p@s\"\"s'wé",
        r#"p@s\\\"s'w\\u00e9"#,
        r#"p@s\\\"s'w\u00e9"#,
    ] {
        let out = text_masked(&[value], &format!("<{written}>"));
        assert_eq!(out, "<***>", "{written}");
    }
}

#[test]
fn a_value_is_hidden_in_base64_wherever_it_begins() {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

    for value in ["s3cr3t", "hunter2-and-more", "~~~???>>>ÿÿÿ"] {
        for before in ["", "u", "us", "user:", "a line before\n"] {
            for behind in ["", "\n", "!", "\nand more"] {
                let text = format!("{before}{value}{behind}");
                for encoded in [
                    STANDARD.encode(&text),
                    URL_SAFE.encode(&text),
                    URL_SAFE_NO_PAD.encode(&text),
                ] {
                    let out = text_masked(&[value], &encoded);
                    let rest = out.len() - 3;
                    assert!(out.contains("***"), "{text:?} {encoded} {out}");
                    let most = (before.len() + behind.len()) * 4 / 3 + 7;
                    assert!(rest <= most, "{text:?} {encoded} {out}");
                }
            }
        }
        assert_eq!(text_masked(&[value], &STANDARD.encode(value)), "***");
        let with_newline = STANDARD.encode(format!("{value}\n"));
        assert_eq!(text_masked(&[value], &with_newline), "***");
    }
}

#[test]
fn base64_in_lines_is_hidden() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    for columns in [60, 64, 76] {
        for line_end in ["\n", "\r\n"] {
            for before in ["", "x", "a line that comes before\n"] {
                let encoded = STANDARD.encode(format!("{before}{KEY}"));
                let lines: Vec<&str> = encoded
                    .as_bytes()
                    .chunks(columns)
                    .map(|line| std::str::from_utf8(line).unwrap())
                    .collect();
                let out = text_masked(&[KEY], &(lines.join(line_end) + "\nend\n"));
                assert!(out.contains("***"), "{out}");
                assert!(out.len() <= before.len() * 4 / 3 + 16, "{out}");
                assert!(out.ends_with("\nend\n"), "{out}");
            }
        }
    }
}

#[test]
fn passwords_in_urls_are_hidden() {
    for (text, expected) in [
        (
            "origin\thttps://x-access-token:ghs_abc@github.com/a/b.git (fetch)\n",
            "origin\thttps://x-access-token:***@github.com/a/b.git (fetch)\n",
        ),
        ("https://ghp_x@github.com/a", "https://***@github.com/a"),
        ("HTTPS://ghp_x@github.com", "HTTPS://***@github.com"),
        ("git+https://ghp_x@host", "git+https://***@host"),
        (
            "https://sk_live_1:@api.example.com",
            "https://***:@api.example.com",
        ),
        ("https://ghp_1:x-oauth-basic@host", "https://***:***@host"),
        ("postgres://app:hunter2@db/x", "postgres://app:***@db/x"),
        ("redis://:hunter2@cache:6379", "redis://:***@cache:6379"),
        ("amqp://u:p@ss@host/v", "amqp://u:***@host/v"),
        ("mysql://u:pa/ss?w#d@host:1/x", "mysql://u:***@host:1/x"),
        (
            "'ftp://u:p@h' \"ftp://u:q@h\"",
            "'ftp://u:***@h' \"ftp://u:***@h\"",
        ),
        (
            r#"{"u":"https:\/\/u:p@h\/x"}"#,
            r#"{"u":"https:\/\/u:***@h\/x"}"#,
        ),
        ("https://a:b://c:d@e", "https://a:***@e"),
        ("http://u:p@h http://u:p@h", "http://u:***@h http://u:***@h"),
        ("https://u:***@h", "https://u:***@h"),
    ] {
        assert_eq!(text_masked(&[], text), expected);
    }
}

#[test]
fn passwords_in_urls_are_hidden_however_they_are_written() {
    for (text, expected) in [
        (
            "u=https%3A%2F%2Fada%3Apw%40h%2Fx",
            "u=https%3A%2F%2Fada%3A***%40h%2Fx",
        ),
        (
            "https%3a%2f%2fada%3apw%40h&x=1",
            "https%3a%2f%2fada%3a***%40h&x=1",
        ),
        ("https%3A%2F%2Fghp_x%40h", "https%3A%2F%2F***%40h"),
        (
            "https://h/?next=https%3A%2F%2Fada%3Apw%40h",
            "https://h/?next=https%3A%2F%2Fada%3A***%40h",
        ),
        ("<img src=//ada:pw@h/>", "<img src=//ada:***@h/>"),
        ("fetching //ada:pw@h/ now", "fetching //ada:***@h/ now"),
        (r#""\/\/ada:pw@h\/""#, r#""\/\/ada:***@h\/""#),
        ("postgres://ada:pa ss@h/x", "postgres://ada:***@h/x"),
        (
            "x postgres://ada:pa ss  wd@[::1] y",
            "x postgres://ada:***@[::1] y",
        ),
        ("https://ada:\x1b[01;31mpw\x1b[m@h", "https://ada:***@h"),
    ] {
        assert_eq!(text_masked(&[], text), expected);
    }
}

#[test]
fn tokens_in_urls_are_hidden() {
    for (text, expected) in [
        (
            "https://h/?access_token=SECRET",
            "https://h/?access_token=***",
        ),
        (
            "https://h/?page=2&token=S&x=1",
            "https://h/?page=2&token=***&x=1",
        ),
        ("GET /cb?api_key=S HTTP/1.1", "GET /cb?api_key=*** HTTP/1.1"),
        (
            "'https://h/x?a=b&sig=a%2Bb%3D'",
            "'https://h/x?a=b&sig=***'",
        ),
        (
            "https://h/#access_token=S&n=1",
            "https://h/#access_token=***&n=1",
        ),
        (
            "https://b.s3/x?X-Amz-Date=1&X-Amz-Signature=ab#f g",
            "https://b.s3/x?X-Amz-Date=1&X-Amz-Signature=*** g",
        ),
        (
            "jdbc:postgresql://h:1/d?user=ada&password=p;w d",
            "jdbc:postgresql://h:1/d?user=ada&password=*** d",
        ),
        (
            "jdbc:sqlserver://h:1;user=ada;password=pw;encrypt=true",
            "jdbc:sqlserver://h:1;user=ada;password=***;encrypt=true",
        ),
        (
            "https://hooks.slack.com/services/T0/B0/xyz and",
            "https://hooks.slack.com/services/*** and",
        ),
        (
            r#"{"u":"https:\/\/hooks.slack.com\/services\/T0\/B0\/xyz"}"#,
            r#"{"u":"https:\/\/hooks.slack.com\/services\/***"}"#,
        ),
        (
            "https://Discord.com/api/webhooks/1/abc?wait=true",
            "https://Discord.com/api/webhooks/***?wait=true",
        ),
        (
            "https://api.telegram.org/bot1:ab/getMe",
            "https://api.telegram.org/bot***",
        ),
        (
            "https://h/?to=https%3A%2F%2Fg%2F%3Ftoken%3Dab%26x%3D1&y=2",
            "https://h/?to=https%3A%2F%2Fg%2F%3Ftoken%3D***%26x%3D1&y=2",
        ),
        (
            r#"{"u":"https://h/?a=1\u0026token=S\u0026b=2"}"#,
            r#"{"u":"https://h/?a=1\u0026token=***\u0026b=2"}"#,
        ),
        (
            r#"{\"u\":\"https://h/?token=S\"}"#,
            r#"{\"u\":\"https://h/?token=***\"}"#,
        ),
        (
            "<a href=\"/x?a=1&amp;token=S&amp;b=2\">",
            "<a href=\"/x?a=1&amp;token=***&amp;b=2\">",
        ),
        ("h/?to\x1b[1mken=S\x1b[m x", "h/?to\x1b[1mken=*** x"),
        (
            "//registry.npmjs.org/:_authToken=npm_x",
            "//registry.npmjs.org/:_authToken=***",
        ),
        ("https://u:x?token=S", "https://u:x?token=***"),
    ] {
        assert_eq!(text_masked(&[], text), expected);
        assert_eq!(text_masked(&[], expected), expected);
        assert!(masked_shapes(text) == expected);
    }
}

#[test]
fn what_urls_hide_is_a_value_of_its_own() {
    let text = "curl https://h/?token=abc%2Bdefgh1 https://hooks.slack.com/services/T0/B0/xyz \
        https://u:hunter2@h ?key=config&token=$API_TOKEN1";
    let expected = ["hunter2", "abc+defgh1", "abc%2Bdefgh1", "T0/B0/xyz"];
    assert_eq!(url_secrets(text), expected);
}

#[test]
fn what_is_stored_is_blotted_without_moving_anything() {
    let token = PlainToken::generate(TokenKind::Automation, &Fixed(3));
    let text = format!("a {} https://u:pässw@h {}", token.expose(), "é");
    let mut blotted = text.clone().into_bytes();
    assert!(blot_shapes(&mut blotted));
    let stars = "*".repeat(token.expose().len());
    assert_eq!(
        blotted,
        format!("a {stars} https://u:******@h é").as_bytes()
    );
    assert!(!blot_shapes(&mut blotted));
    assert!(!blot_shapes(&mut b"nothing https://u:***@h".to_owned()));
}

#[test]
fn what_is_no_password_stays() {
    for plain in [
        "ssh://git@github.com/a/b",
        "curl http://127.0.0.1:80/a@b",
        "https://example.com/x:y@z",
        "http://[::1]:80/a@b",
        "a :// b@c",
        "postgres://app@db",
        "file:///home/a@b",
        "http://host:$PORT/a@b",
        "https://example.com mail@example.com",
        "{\"a\":\"https://x:80\",\"b\":\"c@d\"}",
        "user@host:path, std::fmt, a://",
        "https://h/?page=2&sort=key&next_page_token=abc",
        "key=value token=abc; password=x # key=value",
        "a && KEY=value make || x; if (a&&key==b)",
        "// user:password@host is how it is written",
        "see a//b:c@d and tcp://db:main is ready, write to ada",
        "http://host:8080 mail@example.com",
        "\u{1b}[36mhttp://localhost:\u{1b}[1m3000\u{1b}[22m/\u{1b}[39m",
        "https://discord.com/api/channels/1 https://hooks.example.com/services/T0",
    ] {
        assert_eq!(text_masked(&[], plain), plain);
    }
}

#[test]
fn a_password_that_is_too_long_for_its_url_is_hidden_to_its_end() {
    let long = "x".repeat(10_000);
    for (behind, expected) in [("@host/a b", "@host/a b"), (" b", " b"), ("/a@b", "@b")] {
        let text = format!("see https://u:{long}{behind}");
        for size in [1, 100, 4_000] {
            let out = masked(&patterns(&[]), text.as_bytes().chunks(size));
            let out = String::from_utf8_lossy(&out).into_owned();
            assert_eq!(out, format!("see https://***{expected}"));
        }
    }
}

fn seen_after(masker: &mut Masker, chunk: &str) -> String {
    let mut seen = Vec::new();
    let chunk = Bytes::copy_from_slice(chunk.as_bytes());
    masker.push(chunk, |piece| seen.extend_from_slice(&piece));
    String::from_utf8(seen).unwrap()
}

fn seen_when_given_up(masker: &mut Masker) -> String {
    let mut seen = Vec::new();
    masker.give_up(|piece| seen.extend_from_slice(&piece));
    String::from_utf8(seen).unwrap()
}

#[test]
fn a_url_that_does_not_end_is_given_up() {
    let mut masker = Masker::new(patterns(&[]));
    assert_eq!(
        seen_after(&mut masker, "see https://u:pass"),
        "see https://"
    );
    assert!(masker.waiting_url().is_some());
    assert_eq!(seen_when_given_up(&mut masker), "***");
    assert_eq!(masker.waiting_url(), None);
    assert_eq!(seen_after(&mut masker, "word"), "");
    assert_eq!(
        seen_after(&mut masker, "word@host https://"),
        "@host https://"
    );
    assert!(masker.waiting_url().is_some());
    assert_eq!(seen_when_given_up(&mut masker), "");
    assert_eq!(seen_after(&mut masker, "u:p@h\n"), "***@h\n");
    assert_eq!(masker.waiting_url(), None);
    // What is a password only if it goes on is not hidden.
    for plain in ["listening on tcp://db:main and", " waiting in //tmp:"] {
        seen_after(&mut masker, plain);
        assert!(masker.waiting_url().is_some());
        assert!(!seen_when_given_up(&mut masker).contains('*'));
        assert_eq!(seen_after(&mut masker, " ada@h\n"), " ada@h\n");
    }
    seen_after(&mut masker, "//ada:pass");
    assert_eq!(seen_when_given_up(&mut masker), "***");
    assert_eq!(seen_after(&mut masker, "word@h\n"), "@h\n");
}

#[test]
fn only_a_possible_beginning_is_held_back() {
    let mut masker = Masker::new(patterns(&["hunter2"]));
    assert_eq!(seen_after(&mut masker, "who? hun"), "who? ");
    // The `r` could begin a token.
    assert_eq!(seen_after(&mut masker, "ger"), "hunge");
    assert_eq!(seen_after(&mut masker, "\n"), "r\n");
    for line in ["42 %\r", "done\n", "https://example.com/x\n", "$ "] {
        assert_eq!(seen_after(&mut masker, line), line);
        assert_eq!(masker.waiting_url(), None);
    }
}

#[test]
fn what_is_held_back_stays_bounded() {
    let mut masker = Masker::new(patterns(&["aaaaaaaaaa"]));
    for _ in 0..1000 {
        masker.push(Bytes::from_static(b"aaaaaaaaaaaaaaa"), |_| {});
        assert!(masker.pending.len() < 54);
    }
}

#[test]
fn binary_output_around_a_value_stays_as_it_is() {
    let noise: Vec<u8> = (0..=255).collect();
    let text = [&noise[..], b"hunter2", &noise[..]].concat();
    let expected = [&noise[..], b"***", &noise[..]].concat();
    assert_eq!(masked(&patterns(&["hunter2"]), text.chunks(13)), expected);
}

#[test]
fn long_values_that_differ_late_are_told_apart() {
    let base = "0123456789abcdef".repeat(300);
    let longer = format!("{base}-and-more");
    let other = format!("{base}-or-not");
    let values = [&base[..], &longer, &other];
    assert_eq!(text_masked(&values, &format!("<{base}>")), "<***>");
    assert_eq!(text_masked(&values, &format!("<{longer}>")), "<***>");
    assert_eq!(text_masked(&values, &format!("<{base}-and>")), "<***-and>");
    let short = &base[..base.len() - 1];
    assert_eq!(
        text_masked(&values, &format!("<{short}>")),
        format!("<{short}>")
    );
    assert_eq!(text_masked(&values, &format!("<0{base}>")), "<0***>");
}

#[test]
fn a_value_of_one_letter_costs_no_more_than_another() {
    let long = "a".repeat(60_000);
    let text = vec![b'a'; 3_600_000];
    let chunks = text.chunks(65_536);
    assert_eq!(masked(&patterns(&[&long]), chunks.clone()), b"***");
    let nearly = format!("{long}b");
    let nested: Vec<String> = (0..300).map(|more| "a".repeat(100 + more)).collect();
    let nested: Vec<&str> = nested.iter().map(String::as_str).collect();
    assert!(masked(&patterns(&[&nearly]), chunks.clone()) == text);
    assert_eq!(masked(&patterns(&nested), chunks), b"***");
}

/// A text of few letters, so that values overlap, repeat and contain each other.
fn letters(most: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(b"abr".as_slice()), 0..most)
}

fn cut<'a>(text: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut chunks = Vec::new();
    let mut rest = text;
    for cut in cuts {
        let (left, right) = rest.split_at((*cut).min(rest.len()));
        chunks.push(left);
        rest = right;
    }
    chunks.push(rest);
    chunks
}

proptest! {
    #[test]
    fn cutting_changes_nothing_and_no_value_is_left(
        values in prop::collection::vec(letters(12), 0..6),
        text in letters(200),
        token_at in 0_usize..200,
        cuts in prop::collection::vec(0_usize..20, 0..30),
    ) {
        let token = PlainToken::generate(TokenKind::Integration, &Fixed(5));
        let mut text = text;
        let at = token_at.min(text.len());
        text.splice(at..at, token.expose().bytes());
        let mut forms = Vec::new();
        for value in values.iter().filter(|value| value.len() >= SHORTEST_SECRET) {
            forms::of(value, |form| forms.push(form));
        }
        let patterns = Patterns::new(values.iter().map(Vec::as_slice));
        let out = masked(&patterns, cut(&text, &cuts));
        prop_assert_eq!(&out, &reference(&forms, &text));
    }

    #[test]
    fn long_values_are_found_wherever_the_text_is_cut(
        pieces in prop::collection::vec(0_usize..4, 1..30),
        cuts in prop::collection::vec(0_usize..400, 0..30),
    ) {
        // Values of several times the length that is hashed, that begin alike.
        let base = "ab".repeat(200);
        let values = [format!("{base}X"), format!("{base}{base}Y"), format!("{base}{base}")];
        let text: String = pieces
            .iter()
            .map(|piece| values.get(*piece).map_or("ab", String::as_str))
            .collect();
        let mut forms = Vec::new();
        for value in &values {
            forms::of(value.as_bytes(), |form| forms.push(form));
        }
        let patterns = Patterns::new(values.iter().map(String::as_bytes));
        let out = masked(&patterns, cut(text.as_bytes(), &cuts));
        prop_assert_eq!(out, reference(&forms, text.as_bytes()));
    }

    #[test]
    fn values_of_all_lengths_are_found_as_a_plain_search_finds_them(
        values in prop::collection::vec((0..4_u64, 6_usize..40), 1..4),
        pieces in prop::collection::vec((0_usize..100, 0_usize..60, 0_usize..60), 1..20),
        cuts in prop::collection::vec(0_usize..40, 0..30),
    ) {
        // The shortest decides how many places of a text are looked at, and how closely.
        let value = |(of, len): &(u64, usize)| -> String {
            let letter = |at: u64| char::from(b"sk-3Jx9"[(at * at * (of + 3) % 7) as usize]);
            (0..*len as u64).map(letter).collect()
        };
        let values: Vec<String> = values.iter().map(value).collect();
        let mut forms = Vec::new();
        for value in &values {
            forms::of(value.as_bytes(), |form| forms.push(form));
        }
        // Forms, whole and in parts, next to each other and with something between.
        let mut text = Vec::new();
        for (of, from, len) in pieces {
            let form = &forms[of % forms.len()];
            let from = if from < 30 { 0 } else { from % form.len() };
            text.extend_from_slice(&form[from..(from + len.max(from * 2)).min(form.len())]);
            text.extend_from_slice(&b" -= x"[..of % 5]);
        }
        let patterns = Patterns::new(values.iter().map(String::as_bytes));
        let out = masked(&patterns, cut(&text, &cuts));
        prop_assert_eq!(out, reference(&forms, &text));
    }

    #[test]
    fn a_url_is_masked_alike_wherever_it_is_cut(
        text in "(https?:|ssh:|a:|)(//|%2F%2F)[ab:@/ %40]{0,12}(https://|//|%2f%2f)?[a:@/ ]{0,12}\
            ((\\?|&|;|#|%3F|\\\\u0026|%26)(a|token|key)(=|%3D)[a%26/ \\\\]{0,4}){0,3}",
        cuts in prop::collection::vec(0_usize..6, 0..12),
    ) {
        let patterns = patterns(&[]);
        let out = masked(&patterns, cut(text.as_bytes(), &cuts));
        prop_assert_eq!(String::from_utf8(out).unwrap(), patterns.masked(&text));
    }
}
