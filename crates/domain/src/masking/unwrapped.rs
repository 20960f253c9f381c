//! A stream without the line breaks that `base64` and its like put into long lines.
//!
//! A break counts as such behind 40 or more letters, digits and signs of base64 without any other
//! character: they break at 60, 64, 70 or 76. Values are found in what is left, and hidden where
//! they stand in the stream.

use std::collections::VecDeque;
use std::ops::Range;

const SHORTEST_WRAPPED_LINE: usize = 40;

/// Takes breaks out, and knows where what is left stood.
#[derive(Debug, Default)]
pub(super) struct Unwrapped {
    /// Characters of base64 at the end of the stream, without a break.
    run: usize,
    /// The last thing was the first half of a break of two characters.
    within_break: bool,
    /// Bytes of the text that were let go.
    forgotten: u64,
    /// Bytes that were taken out of the stream before what is left of the text.
    taken_out: u64,
    /// Places before which something was taken out, with all that was taken out up to there.
    breaks: VecDeque<(usize, u64)>,
}

impl Unwrapped {
    /// Adds `chunk` to `text`.
    pub(super) fn push(&mut self, chunk: &[u8], text: &mut Vec<u8>) {
        let (mut line, mut copied) = (0, 0);
        for at in memchr::memchr2_iter(b'\n', b'\r', chunk) {
            self.line(&chunk[line..at]);
            if self.is_taken_out(chunk[at]) {
                text.extend_from_slice(&chunk[copied..at]);
                self.take_out(text.len());
                copied = at + 1;
            }
            line = at + 1;
        }
        self.line(&chunk[line..]);
        text.extend_from_slice(&chunk[copied..]);
    }

    fn line(&mut self, line: &[u8]) {
        if line.is_empty() {
            return;
        }
        self.within_break = false;
        let run = line
            .iter()
            .rev()
            .take(SHORTEST_WRAPPED_LINE)
            .take_while(|byte| is_base64(**byte))
            .count();
        self.run = if run == line.len() {
            (self.run + run).min(SHORTEST_WRAPPED_LINE)
        } else {
            run
        };
    }

    /// Whether this byte of a break is no part of the text.
    fn is_taken_out(&mut self, byte: u8) -> bool {
        let taken_out = self.run >= SHORTEST_WRAPPED_LINE || (self.within_break && byte == b'\n');
        self.within_break = taken_out && byte == b'\r';
        self.run = 0;
        taken_out
    }

    fn take_out(&mut self, place: usize) {
        let last = self.breaks.back().map_or(self.taken_out, |(_, sum)| *sum);
        match self.breaks.back_mut() {
            Some((before, sum)) if *before == place => *sum += 1,
            _ => self.breaks.push_back((place, last + 1)),
        }
    }

    /// Where a place of the text is in the stream.
    pub(super) fn position(&self, place: usize) -> u64 {
        let before = self.breaks.partition_point(|(at, _)| *at <= place);
        let taken_out = before
            .checked_sub(1)
            .map_or(self.taken_out, |last| self.breaks[last].1);
        self.forgotten + place as u64 + taken_out
    }

    /// Where a part of the text is; breaks within it belong to it, those at its ends do not.
    pub(super) fn positions(&self, range: Range<usize>) -> Range<u64> {
        self.position(range.start)..self.position(range.end - 1) + 1
    }

    /// The text lost so many bytes at its beginning.
    pub(super) fn forget(&mut self, count: usize) {
        self.forgotten += count as u64;
        while let Some((_, sum)) = self.breaks.pop_front_if(|(at, _)| *at <= count) {
            self.taken_out = sum;
        }
        for (at, _) in &mut self.breaks {
            *at -= count;
        }
    }
}

fn is_base64(byte: u8) -> bool {
    IS_BASE64[usize::from(byte)]
}

static IS_BASE64: [bool; 256] = {
    let mut is_base64 = [false; 256];
    let mut byte = 0;
    while byte <= 0x7f_u8 {
        is_base64[byte as usize] =
            byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-');
        byte += 1;
    }
    is_base64
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_of_long_lines_are_taken_out_and_others_are_not() {
        let line = "A".repeat(76);
        let stream = format!("short\r\n{line}\r\n{line}\n\nword {line}\nend\n");
        let expected = format!("short\r\n{line}{line}\nword {line}end\n");
        for size in 1..stream.len() {
            let mut unwrapped = Unwrapped::default();
            let mut text = Vec::new();
            for chunk in stream.as_bytes().chunks(size) {
                unwrapped.push(chunk, &mut text);
            }
            assert_eq!(text, expected.as_bytes());
            for forgotten in [0, 7, 83, 100, text.len()] {
                let mut unwrapped = Unwrapped {
                    run: 0,
                    within_break: false,
                    forgotten: 0,
                    taken_out: 0,
                    breaks: unwrapped.breaks.clone(),
                };
                unwrapped.forget(forgotten);
                for (place, byte) in text[forgotten..].iter().enumerate() {
                    let at = usize::try_from(unwrapped.position(place)).unwrap();
                    assert_eq!(stream.as_bytes()[at], *byte);
                }
                let end = unwrapped.position(text.len() - forgotten);
                assert_eq!(end, stream.len() as u64);
            }
        }
    }
}
