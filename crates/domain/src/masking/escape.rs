//! Characters that URLs write in other words, read a byte at a time: `%3A`, `\/`, `\u0026`.

/// An escape that goes on.
#[derive(Clone, Debug, Default)]
pub(super) struct Escape {
    bytes: [u8; 6],
    len: usize,
    start: u64,
}

/// A character, however it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Character {
    pub(super) byte: u8,
    /// Where what stands for it begins.
    pub(super) start: u64,
    /// It was written as `%3A`.
    pub(super) encoded: bool,
}

impl Escape {
    /// Reads the byte at this position; `None` within an escape.
    #[inline]
    pub(super) fn read(&mut self, byte: u8, here: u64) -> Option<Character> {
        if self.len == 0 && byte != b'%' && byte != b'\\' {
            return Some(Character {
                byte,
                start: here,
                encoded: false,
            });
        }
        self.read_escape(byte, here)
    }

    fn read_escape(&mut self, byte: u8, here: u64) -> Option<Character> {
        let character = |byte, start, encoded| {
            Some(Character {
                byte,
                start,
                encoded,
            })
        };
        let is_digit = byte.is_ascii_hexdigit();
        match (self.bytes[0], self.len) {
            (b'%', 1) | (b'\\', 2..=4) if is_digit => self.take(byte),
            (b'\\', 1) if byte == b'u' => self.take(byte),
            (b'%', 2) if is_digit => {
                let start = self.end();
                character(hex([self.bytes[1], byte]), start, true)
            }
            (b'\\', 5) if is_digit => {
                let start = self.end();
                let digits = [self.bytes[4], byte];
                let is_ascii = self.bytes[2..4] == *b"00";
                character(if is_ascii { hex(digits) } else { 0xff }, start, false)
            }
            (b'\\', 1) => {
                let start = self.end();
                character(unescaped(byte), start, false)
            }
            _ => {
                self.len = 0;
                if byte == b'%' || byte == b'\\' {
                    self.start = here;
                    self.take(byte)
                } else {
                    character(byte, here, false)
                }
            }
        }
    }

    /// Where an escape begins that goes on.
    pub(super) fn open(&self) -> Option<u64> {
        (self.len > 0).then_some(self.start)
    }

    fn take(&mut self, byte: u8) -> Option<Character> {
        self.bytes[self.len] = byte;
        self.len += 1;
        None
    }

    fn end(&mut self) -> u64 {
        self.len = 0;
        self.start
    }
}

/// What stands behind a backslash in JSON and in source text.
fn unescaped(byte: u8) -> u8 {
    match byte {
        b'n' | b'r' | b't' => b'\n',
        byte => byte,
    }
}

fn hex(digits: [u8; 2]) -> u8 {
    digits.iter().fold(0, |number, digit| {
        let digit = char::from(*digit).to_digit(16).unwrap_or(0);
        number << 4 | u8::try_from(digit).unwrap_or(0)
    })
}

/// A colour code of a terminal that goes on: it is no part of what it stands in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Colour(bool);

impl Colour {
    pub(super) fn goes_on(self) -> bool {
        self.0
    }

    /// Whether the byte belongs to one.
    pub(super) fn reads(&mut self, byte: u8) -> bool {
        if self.0 {
            self.0 = byte == b'[' || byte == b';' || byte.is_ascii_digit();
            // The letter at its end; anything else was never one.
            return self.0 || byte.is_ascii_alphabetic();
        }
        self.0 = byte == 0x1b;
        self.0
    }
}

/// What neither an address nor a password in one has in it.
pub(super) const fn ends_word(byte: u8) -> bool {
    byte <= b' ' || matches!(byte, 0x7f | b'\'' | b'"' | b'`' | b'<' | b'>')
}

/// How many bytes at the beginning of a text stand for themselves, and end no part of a URL.
pub(super) fn plain_run(text: &[u8]) -> usize {
    text.iter()
        .position(|byte| !IS_PLAIN[usize::from(*byte)])
        .unwrap_or(text.len())
}

static IS_PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut byte = 0;
    while byte <= 0x7f {
        plain[byte as usize] = !ends_word(byte);
        byte += 1;
    }
    let others = b"%\\&=?#;:@/[${*";
    let mut at = 0;
    while at < others.len() {
        plain[others[at] as usize] = false;
        at += 1;
    }
    plain
};
