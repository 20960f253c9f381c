//! All forms of all values, arranged so that what a text holds is found in the same time whatever
//! they are.

use super::bits::{self, mixed, place};
use super::forms;
use super::rolling::{self, Powers, STEP};
use super::search::Text;
use super::sieve::Sieve;
use super::unwrapped::Unwrapped;

/// Bytes at the beginning of a form by which it is found; no form is shorter.
pub(super) const BEGINNING: usize = super::SHORTEST_SECRET;

const NONE: u32 = u32::MAX;

/// What is searched for.
#[derive(Debug)]
pub(super) struct Index {
    /// The forms, one behind the other, sorted and without duplicates.
    bytes: Vec<u8>,
    forms: Vec<Form>,
    /// Of each form the hashes of its first `STEP`, twice `STEP`, … bytes.
    hashes: Vec<u64>,
    powers: Powers,
    sieve: Sieve,
    beginnings: Beginnings,
    /// Bytes with which a form can begin.
    first: [bool; 256],
}

#[derive(Debug)]
struct Form {
    start: usize,
    len: usize,
    /// Where its hashes are.
    hashes: usize,
    /// The longest other form with which it begins.
    parent: u32,
    /// One of those further up, for long ways.
    jump: u32,
    /// How many forms it begins with.
    depth: u32,
}

/// What stands at a place of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The longest form that begins there has this length.
    Form(usize),
    /// No form begins there.
    Nothing,
    /// The text ends within a form: there may be more than was found so far.
    Open,
}

impl Index {
    pub(super) fn of(values: &[Box<[u8]>]) -> Self {
        let mut all: Vec<Vec<u8>> = Vec::new();
        for value in values {
            forms::of(value, |form| {
                let mut unwrapped = Vec::with_capacity(form.len());
                Unwrapped::default().push(&form, &mut unwrapped);
                all.push(unwrapped);
            });
        }
        all.sort_unstable();
        all.dedup();
        Self::arrange(&all)
    }

    fn arrange(sorted: &[Vec<u8>]) -> Self {
        let longest = sorted.iter().map(Vec::len).max().unwrap_or(0);
        let mut index = Self {
            bytes: sorted.concat(),
            forms: Vec::with_capacity(sorted.len()),
            hashes: Vec::new(),
            powers: Powers::up_to(longest),
            sieve: Sieve::of(sorted),
            beginnings: Beginnings::for_forms(sorted.len()),
            first: [false; 256],
        };
        let mut start = 0;
        for (at, form) in sorted.iter().enumerate() {
            let hashes = index.hashes.len();
            let mut hash = 0;
            for (at, byte) in form.iter().enumerate() {
                hash = rolling::push(hash, *byte);
                if (at + 1) % STEP == 0 {
                    index.hashes.push(hash);
                }
            }
            index.first[usize::from(form[0])] = true;
            let parent = index.parent_of(sorted, at);
            let (jump, depth) = index.jump_from(parent);
            index.forms.push(Form {
                start,
                len: form.len(),
                hashes,
                parent,
                jump,
                depth,
            });
            start += form.len();
            index.beginnings.add(beginning(form), at);
        }
        index
    }

    /// The longest form before this one with which it begins: one of its neighbour's, or that.
    fn parent_of(&self, sorted: &[Vec<u8>], at: usize) -> u32 {
        let mut parent = at.checked_sub(1).map_or(NONE, number);
        while let Some(form) = sorted.get(parent as usize) {
            if sorted[at].starts_with(form) {
                break;
            }
            parent = self.forms[parent as usize].parent;
        }
        parent
    }

    /// Jumps that make any way up a short one.
    fn jump_from(&self, parent: u32) -> (u32, u32) {
        let Some(form) = self.forms.get(parent as usize) else {
            return (NONE, 0);
        };
        let depth_of = |at: u32| self.forms.get(at as usize).map_or(0, |form| form.depth + 1);
        let further = self
            .forms
            .get(form.jump as usize)
            .map_or(NONE, |jump| jump.jump);
        let here = form.depth + 1;
        let even = here - depth_of(form.jump) == depth_of(form.jump) - depth_of(further);
        (if even { further } else { parent }, form.depth + 1)
    }

    /// What tells most places of a text apart at once.
    pub(super) fn sieve(&self) -> &Sieve {
        &self.sieve
    }

    /// Whether a form may begin with these eight bytes; most are told apart by one bit.
    pub(super) fn may_begin(&self, eight: u64) -> bool {
        self.beginnings.bits.has(eight & BEGINNING_MASK)
    }

    /// Whether `end` is the beginning of a form, and shorter than what forms are found by.
    pub(super) fn may_grow(&self, end: &[u8]) -> bool {
        if !self.first[usize::from(end[0])] {
            return false;
        }
        let after = self.forms.partition_point(|form| self.text(form) < end);
        self.forms
            .get(after)
            .is_some_and(|form| self.text(form).starts_with(end))
    }

    /// What begins at `at`; `whole` when nothing comes behind the text.
    pub(super) fn at(&self, text: &mut Text, at: usize, whole: bool) -> Found {
        let rest = &text.bytes()[at..];
        let Some((first, last)) = self.beginnings.range(beginning(rest)) else {
            return Found::Nothing;
        };
        let (mut from, mut to) = (first, last + 1);
        while from < to {
            let middle = usize::midpoint(from, to);
            let form = &self.forms[middle];
            let common = self.common(form, text, at);
            let rest = &text.bytes()[at..];
            if common == rest.len() && common < form.len {
                if !whole {
                    return Found::Open;
                }
                to = middle;
            } else if common == form.len || self.text(form)[common] < rest[common] {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        match from.checked_sub(1).filter(|before| *before >= first) {
            Some(before) => {
                let common = self.common(&self.forms[before], text, at);
                self.longest_within(number(before), common)
            }
            None => Found::Nothing,
        }
    }

    /// The longest form with which this one begins and that has at most this length.
    fn longest_within(&self, mut at: u32, len: usize) -> Found {
        while let Some(form) = self.forms.get(at as usize) {
            if form.len <= len {
                return Found::Form(form.len);
            }
            at = match self.forms.get(form.jump as usize) {
                Some(jump) if jump.len > len => form.jump,
                _ => form.parent,
            };
        }
        Found::Nothing
    }

    /// How many bytes the form and the text have in common.
    fn common(&self, form: &Form, text: &mut Text, at: usize) -> usize {
        let own = self.text(form);
        let most = form.len.min(text.bytes().len() - at);
        let near = most.min(STEP);
        let first = common(&own[..near], &text.bytes()[at..at + near]);
        if first < STEP || most == STEP {
            return first;
        }
        let hashes = &self.hashes[form.hashes..];
        let mut equal = |steps: usize| {
            let (before, end) = text.hashes(at, at + steps * STEP);
            self.powers.between(before, end, steps) == hashes[steps - 1]
        };
        let (mut from, mut to) = (1, most / STEP);
        if equal(to) {
            from = to;
        }
        while from < to {
            let middle = (from + to).div_ceil(2);
            if equal(middle) {
                from = middle;
            } else {
                to = middle - 1;
            }
        }
        let from = from * STEP;
        let to = most.min(from + STEP);
        from + common(&own[from..to], &text.bytes()[at + from..at + to])
    }

    fn text(&self, form: &Form) -> &[u8] {
        &self.bytes[form.start..form.start + form.len]
    }
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(NONE)
}

fn common(left: &[u8], right: &[u8]) -> usize {
    if left == right {
        return left.len();
    }
    left.iter()
        .zip(right)
        .position(|(left, right)| left != right)
        .unwrap_or_else(|| left.len().min(right.len()))
}

const BEGINNING_MASK: u64 = (1 << (8 * BEGINNING)) - 1;

fn beginning(text: &[u8]) -> u64 {
    let mut eight = [0; 8];
    let len = text.len().min(BEGINNING);
    eight[..len].copy_from_slice(&text[..len]);
    u64::from_le_bytes(eight)
}

/// The first bytes of all forms: a bit field that says no most of the time, and a table that says
/// which forms it is.
#[derive(Debug)]
struct Beginnings {
    bits: bits::Field,
    /// The beginning, and the first and last form that has it.
    table: Vec<Option<(u64, u32, u32)>>,
}

impl Beginnings {
    fn for_forms(count: usize) -> Self {
        Self {
            bits: bits::Field::with((count * 64).clamp(1 << 12, 1 << 22)),
            table: vec![None; (count * 2).next_power_of_two().max(2)],
        }
    }

    /// Forms are added in their order.
    fn add(&mut self, beginning: u64, form: usize) {
        self.bits.set(beginning);
        let form = number(form);
        let slot = self.slot(beginning);
        let first = self.table[slot].map_or(form, |(_, first, _)| first);
        self.table[slot] = Some((beginning, first, form));
    }

    fn range(&self, beginning: u64) -> Option<(usize, usize)> {
        let (_, first, last) = self.table[self.slot(beginning)]?;
        Some((first as usize, last as usize))
    }

    /// Where the beginning is, or would be; the table is never more than half full.
    fn slot(&self, beginning: u64) -> usize {
        let last = self.table.len() - 1;
        let mut slot = place(mixed(beginning) >> 20) & last;
        while self.table[slot].is_some_and(|(own, ..)| own != beginning) {
            slot = (slot + 1) & last;
        }
        slot
    }
}
