//! Secrets in the parameters and paths of URLs, read a byte at a time.
//!
//! Nothing is held back for them: what is secret begins behind its name.

use std::collections::HashMap;
use std::ops::Range;

use super::escape::{Colour, Escape, ends_word};
use super::names::names_a_secret_parameter;
use super::shapes::Part;

/// Longer names of parameters say nothing.
const LONGEST_NAME: usize = 64;
/// So many names are remembered.
const MOST_KNOWN_NAMES: usize = 64;
/// So much of a host and its path is compared with those below.
const LONGEST_PLACE: usize = 80;

/// What is behind one of these is a secret by itself.
const SECRET_PATHS: [&[u8]; 10] = [
    b"hooks.slack.com/services/",
    b"hooks.slack.com/workflows/",
    b"hooks.slack.com/triggers/",
    b"discord.com/api/webhooks/",
    b"discordapp.com/api/webhooks/",
    b"webhook.office.com/webhookb2/",
    b"outlook.office.com/webhook/",
    b"outlook.office365.com/webhook/",
    b"api.telegram.org/bot",
    b"hooks.zapier.com/hooks/catch/",
];

/// The search through one stream.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    word: Option<Word>,
    names: Names,
    /// The position up to which everything was read.
    next: u64,
}

/// What stands behind the `//` of a URL, or behind `?` or `&`, up to the end of the word.
#[derive(Debug, Default)]
struct Word {
    escape: Escape,
    colour: Colour,
    /// Behind `//`.
    in_url: bool,
    /// The last character was a slash.
    slash: bool,
    /// The host and the path, as far as they were read.
    place: Vec<u8>,
    /// What stands between a separator and `=`.
    name: Option<Vec<u8>>,
    /// The separator before it.
    separator: u8,
    hidden: Option<Hidden>,
}

#[derive(Debug)]
struct Hidden {
    start: u64,
    until: Until,
}

/// Where something secret ends, unless the word does before.
#[derive(Clone, Copy, Debug)]
enum Until {
    /// `&`.
    Parameter,
    /// `;` or `&`.
    Semicolon,
    /// `%26` or `&`.
    Encoded,
    /// `?`, `&` or `#`.
    Path,
}

impl Parameters {
    /// Reads a part; `urls` are the positions in it behind the `//` of URLs, in their order.
    /// Returns the position before which nothing can begin or end that was not added.
    pub(super) fn push(
        &mut self,
        part: Part<'_>,
        urls: &[u64],
        found: &mut Vec<Range<u64>>,
    ) -> u64 {
        let mut urls = urls.iter().copied().peekable();
        loop {
            if self.word.is_none() && !self.begin(part, &mut urls) {
                return part.end();
            }
            let Some(word) = self.word.as_mut() else {
                return part.end();
            };
            let mut bytes = part.from(self.next).iter();
            let ended = bytes.any(|byte| {
                self.next += 1;
                word.read(*byte, self.next - 1, &mut self.names, found)
            });
            if ended {
                self.word = None;
                continue;
            }
            return word.settled(part.end(), found);
        }
    }

    /// Nothing comes behind the part.
    pub(super) fn finish(&mut self, end: u64, found: &mut Vec<Range<u64>>) {
        if let Some(mut word) = self.word.take() {
            word.close(end, found);
        }
    }

    /// Goes to the next word that may have parameters.
    fn begin(
        &mut self,
        part: Part<'_>,
        urls: &mut std::iter::Peekable<impl Iterator<Item = u64>>,
    ) -> bool {
        while urls.next_if(|url| *url < self.next).is_some() {}
        self.next = self.next.max(part.start);
        let rest = part.from(self.next);
        let query = memchr::memchr2(b'?', b'&', rest).map(|at| self.next + at as u64);
        let url = urls.peek().copied();
        let in_url = url.is_some_and(|url| query.is_none_or(|query| url <= query));
        let Some(start) = (if in_url { url } else { query }) else {
            self.next = part.end();
            return false;
        };
        self.next = start;
        self.word = Some(Word {
            in_url,
            ..Word::default()
        });
        true
    }
}

impl Word {
    /// Whether the word ends before this byte.
    fn read(
        &mut self,
        byte: u8,
        here: u64,
        names: &mut Names,
        found: &mut Vec<Range<u64>>,
    ) -> bool {
        if self.colour.reads(byte) {
            return false;
        }
        if ends_word(byte) {
            self.close(here, found);
            return true;
        }
        // No parameter has one, so it belongs to what is around the URL.
        let in_path = matches!(
            self.hidden,
            Some(Hidden {
                until: Until::Path,
                ..
            })
        );
        if byte == b'\\' && !in_path {
            self.close(here, found);
        }
        let Some(character) = self.escape.read(byte, here) else {
            return false;
        };
        let byte = character.byte;
        if let Some(hidden) = &self.hidden {
            let ends = match hidden.until {
                _ if !character.encoded && byte == b'&' => true,
                Until::Parameter => false,
                Until::Semicolon => !character.encoded && byte == b';',
                Until::Encoded => character.encoded && (byte == b'&' || ends_word(byte)),
                Until::Path => !character.encoded && (byte == b'?' || byte == b'#'),
            };
            if !ends {
                // A comparison, as in `a&&key==b`.
                if hidden.start == here && byte == b'=' {
                    self.hidden = None;
                }
                return false;
            }
            self.close(character.start, found);
        }
        match byte {
            b'?' | b'&' => self.begin_name(byte),
            b'#' | b';' | b':' if self.in_url || self.name.is_some() => self.begin_name(byte),
            b'=' => {
                let secret = self.name.take().is_some_and(|name| names.is_secret(name));
                let until = match self.separator {
                    _ if character.encoded => Until::Encoded,
                    b';' => Until::Semicolon,
                    _ => Until::Parameter,
                };
                let start = here + 1;
                self.hidden = secret.then_some(Hidden { start, until });
            }
            byte => match &mut self.name {
                Some(name) if name.len() < LONGEST_NAME => name.push(byte),
                _ => self.name = None,
            },
        }
        self.place(byte, here);
        false
    }

    fn begin_name(&mut self, separator: u8) {
        self.separator = separator;
        self.name = Some(Vec::new());
    }

    /// Looks where in a URL it is.
    fn place(&mut self, byte: u8, here: u64) {
        let slashes = self.slash && byte == b'/';
        self.slash = byte == b'/';
        if slashes {
            self.in_url = true;
        }
        if slashes || byte == b'@' {
            self.place.clear();
        } else if self.in_url && self.place.len() < LONGEST_PLACE {
            self.place.push(byte.to_ascii_lowercase());
            let may_end = byte == b'/' || byte == b't';
            if may_end
                && self.hidden.is_none()
                && SECRET_PATHS.iter().any(|path| self.place.ends_with(path))
            {
                self.hidden = Some(Hidden {
                    start: here + 1,
                    until: Until::Path,
                });
            }
        }
    }

    fn close(&mut self, end: u64, found: &mut Vec<Range<u64>>) {
        if let Some(hidden) = self.hidden.take()
            && hidden.start < end
        {
            found.push(hidden.start..end);
        }
    }

    /// Everything that was read is told apart, but for an escape that could end something.
    fn settled(&self, end: u64, found: &mut Vec<Range<u64>>) -> u64 {
        let Some(hidden) = &self.hidden else {
            return end;
        };
        let settled = match hidden.until {
            Until::Encoded => self.escape.open().unwrap_or(end),
            Until::Parameter | Until::Semicolon | Until::Path => end,
        };
        if hidden.start < settled {
            found.push(hidden.start..settled);
        }
        settled
    }
}

/// What is known of names: the same ones come again and again.
#[derive(Debug, Default)]
struct Names(HashMap<Vec<u8>, bool>);

impl Names {
    fn is_secret(&mut self, name: Vec<u8>) -> bool {
        if let Some(known) = self.0.get(&name) {
            return *known;
        }
        let secret = std::str::from_utf8(&name).is_ok_and(names_a_secret_parameter);
        if self.0.len() >= MOST_KNOWN_NAMES {
            self.0.clear();
        }
        self.0.insert(name, secret);
        secret
    }
}
