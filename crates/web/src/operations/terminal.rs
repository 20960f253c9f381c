//! What a command writes, as the rows that a terminal would have, without colours.
//!
//! The same model as `assets/live/lines.js`; `crates/testkit/corpus/terminal.json` holds both to
//! it. Texts are of UTF-16 units here too, since what is written over is counted in them.

use reoclo_domain::{is_deceptive, joins};

/// A longer line goes on in the next row.
const ROW_UNITS: usize = 4_096;
/// An escape sequence that has not ended after so much is none.
const SEQUENCE_UNITS: usize = 2_048;

const ESCAPE: u16 = 0x1b;
const BELL: u16 = 0x07;
const LINE_END: u16 = 0x0a;

#[derive(Default)]
struct Row {
    units: Vec<u16>,
    /// A line end stands behind it.
    ended: bool,
}

/// Where the stream writes.
#[derive(Default)]
struct Terminal {
    rows: Vec<Row>,
    /// The last row is being written to.
    is_open: bool,
    at: usize,
    /// The last letter, by which is known whether a joiner joins.
    before: Option<char>,
}

/// What is left on the screen, as text.
pub(super) fn text_of(written: &str) -> String {
    let mut terminal = Terminal::default();
    terminal.write(written);
    let mut text = String::with_capacity(written.len());
    for row in &terminal.rows {
        text.push_str(&String::from_utf16_lossy(&row.units));
        if row.ended {
            text.push('\n');
        }
    }
    text
}

impl Terminal {
    fn write(&mut self, text: &str) {
        let units: Vec<u16> = text.encode_utf16().collect();
        let mut letters = text.chars();
        let mut at = 0;
        while let Some(letter) = letters.next() {
            if letter != '\u{1b}' {
                self.letter(letter);
                at += letter.len_utf16();
                continue;
            }
            let rest = &units[at..];
            let len = match sequence(rest) {
                Some(sequence) => {
                    self.obey(&sequence);
                    sequence.len
                }
                None if rest.len() < SEQUENCE_UNITS && is_open(rest) => return,
                None => 1,
            };
            at += len;
            letters = skip_units(letters, len - 1);
        }
    }

    fn letter(&mut self, letter: char) {
        match letter {
            '\n' => {
                self.open();
                if let Some(row) = self.rows.last_mut() {
                    row.ended = true;
                }
                self.is_open = false;
            }
            '\r' => self.at = 0,
            '\u{8}' => self.at = self.at.saturating_sub(1),
            letter if letter.is_control() && letter != '\t' => {}
            letter if joins(self.before, letter) => self.put(letter),
            letter if is_deceptive(letter) && letter != '\t' => {
                for letter in format!("<U+{:04X}>", u32::from(letter)).chars() {
                    self.put_letter(letter);
                }
            }
            letter => self.put_letter(letter),
        }
    }

    fn put_letter(&mut self, letter: char) {
        self.put(letter);
        self.before = Some(letter);
    }

    fn put(&mut self, letter: char) {
        self.open();
        let mut both = [0; 2];
        let units = letter.encode_utf16(&mut both);
        if self.at + units.len() > ROW_UNITS {
            self.begin();
        }
        if let Some(row) = self.rows.last_mut() {
            let from = self.at.min(row.units.len());
            let to = (from + units.len()).min(row.units.len());
            row.units.splice(from..to, units.iter().copied());
        }
        self.at += units.len();
    }

    fn open(&mut self) {
        if !self.is_open {
            self.begin();
        }
    }

    fn begin(&mut self) {
        self.rows.push(Row::default());
        self.is_open = true;
        self.at = 0;
    }

    /// What progress bars are made with. The rest would need a screen, or is colour.
    fn obey(&mut self, sequence: &Sequence) {
        let row = self.rows.last_mut().filter(|_| self.is_open);
        let len = row.as_ref().map_or(0, |row| row.units.len());
        let count = sequence.parameter.max(1);
        match (sequence.letter, row) {
            ('G', _) => self.at = (count - 1).min(len),
            ('D', _) => self.at = self.at.saturating_sub(count),
            ('K', Some(row)) => {
                match sequence.parameter {
                    0 => row.units.truncate(self.at),
                    1 => {
                        let blanks = self.at.min(len);
                        row.units[..blanks].fill(u16::from(b' '));
                    }
                    _ => row.units.clear(),
                }
                self.at = self.at.min(row.units.len());
            }
            _ => {}
        }
    }
}

/// A whole escape sequence (ECMA-48).
struct Sequence {
    len: usize,
    /// What it asks for; a blank when that is nothing that is obeyed.
    letter: char,
    /// Its first parameter.
    parameter: usize,
}

impl Sequence {
    fn of_no_effect(len: usize) -> Self {
        Self {
            len,
            letter: ' ',
            parameter: 0,
        }
    }
}

fn sequence(units: &[u16]) -> Option<Sequence> {
    match letter(*units.get(1)?) {
        '[' => control_sequence(units),
        ']' | 'P' | 'X' | '^' | '_' => {
            let text = 2 + units[2..]
                .iter()
                .position(|unit| [BELL, ESCAPE, LINE_END].contains(unit))?;
            let len = match (units[text], units.get(text + 1)) {
                (BELL, _) => text + 1,
                (ESCAPE, Some(0x5c)) => text + 2,
                _ => text,
            };
            Some(Sequence::of_no_effect(len))
        }
        _ => {
            let last = 1 + units[1..]
                .iter()
                .position(|unit| !(' '..='/').contains(&letter(*unit)))?;
            ('0'..='~')
                .contains(&letter(units[last]))
                .then(|| Sequence::of_no_effect(last + 1))
                .filter(|_| !"[]PX^_".contains(letter(units[last])))
        }
    }
}

fn control_sequence(units: &[u16]) -> Option<Sequence> {
    let parameters = run(units, 2, '0'..='?');
    let last = run(units, parameters, ' '..='/');
    let end = letter(*units.get(last)?);
    if !('@'..='~').contains(&end) {
        return None;
    }
    let text = String::from_utf16_lossy(&units[2..parameters]);
    // Those of a private use mean something else.
    let is_private = text.contains(|letter| ('<'..='?').contains(&letter));
    let first = text.split([';', ':']).next().unwrap_or_default();
    Some(Sequence {
        len: last + 1,
        letter: if is_private { ' ' } else { end },
        parameter: first
            .parse()
            .unwrap_or(if first.is_empty() { 0 } else { usize::MAX }),
    })
}

/// Up to where letters of a range go on.
fn run(units: &[u16], from: usize, letters: std::ops::RangeInclusive<char>) -> usize {
    let within = units[from..]
        .iter()
        .take_while(|unit| letters.contains(&letter(**unit)));
    from + within.count()
}

/// Whether what begins there may be a sequence once more has come.
fn is_open(units: &[u16]) -> bool {
    match units.get(1).map(|unit| letter(*unit)) {
        None => true,
        Some('[') => run(units, run(units, 2, '0'..='?'), ' '..='/') == units.len(),
        Some(']' | 'P' | 'X' | '^' | '_') => !units[2..]
            .iter()
            .any(|unit| [BELL, ESCAPE, LINE_END].contains(unit)),
        Some(_) => run(units, 1, ' '..='/') == units.len(),
    }
}

fn letter(unit: u16) -> char {
    char::from_u32(u32::from(unit)).unwrap_or('\u{fffd}')
}

fn skip_units(mut letters: std::str::Chars<'_>, mut units: usize) -> std::str::Chars<'_> {
    while units > 0 {
        let Some(letter) = letters.next() else { break };
        units = units.saturating_sub(letter.len_utf16());
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(written: &str) -> Vec<String> {
        let mut terminal = Terminal::default();
        terminal.write(written);
        let text = |row: &Row| String::from_utf16_lossy(&row.units);
        terminal.rows.iter().map(text).collect()
    }

    #[test]
    fn rows_are_those_of_the_live_view() {
        let corpus = include_str!("../../../testkit/corpus/terminal.json");
        let cases: Vec<serde_json::Value> = serde_json::from_str(corpus).unwrap();
        assert!(cases.len() > 30);
        for case in cases {
            let written = case["written"].as_str().unwrap();
            assert_eq!(
                serde_json::json!(rows(written)),
                case["rows"],
                "{written:?}"
            );
        }
    }

    #[test]
    fn a_long_line_is_one_line_of_the_text() {
        let long = "x".repeat(3 * ROW_UNITS + 5);
        assert_eq!(rows(&long).len(), 4);
        assert_eq!(text_of(&format!("{long}\nend")), format!("{long}\nend"));
    }
}
