//! Says of most of a text, from a few places of it, that nothing searched for begins there.
//!
//! A form that is `stride + width - 1` bytes long or longer covers a whole place wherever it
//! begins, when `width` bytes are looked at every `stride` bytes. So it is enough to know which
//! bytes stand at the first `stride` places of forms.

use std::ops::Range;

use super::bits;

/// Bytes that are loaded at each place.
const LOADED: usize = 8;
/// Places are no further apart: behind one that is hit, as many are looked at one by one.
const LONGEST_STRIDE: usize = 16;
/// Fewer bytes than this say nothing.
const NARROWEST: usize = 4;

/// Bits for each place of a form; most are to stay empty.
const BITS_A_PLACE: usize = 16;
/// At most 1 MiB.
const MOST_BITS: usize = 1 << 23;
const FEWEST_BITS: usize = 1 << 12;

/// What stands near the beginnings of all forms, as a bit field.
#[derive(Debug)]
pub(super) struct Sieve {
    stride: usize,
    mask: u64,
    bits: bits::Field,
}

impl Sieve {
    /// For these forms, none of which is shorter than `SHORTEST_SECRET`.
    pub(super) fn of(forms: &[Vec<u8>]) -> Self {
        let shortest = forms.iter().map(Vec::len).min().unwrap_or(LOADED);
        let width = (shortest / 2 + 1).clamp(NARROWEST, LOADED);
        let stride = (shortest + 1)
            .saturating_sub(width)
            .clamp(1, LONGEST_STRIDE);
        let mask = u64::MAX >> (8 * (LOADED - width));
        let places = forms.len() * stride * BITS_A_PLACE;
        let mut bits = bits::Field::with(places.clamp(FEWEST_BITS, MOST_BITS));
        for form in forms {
            for place in form.windows(width).take(stride) {
                let mut loaded = [0; LOADED];
                loaded[..width].copy_from_slice(place);
                bits.set(u64::from_le_bytes(loaded));
            }
        }
        Self { stride, mask, bits }
    }

    /// Calls `take` with the places, from `from` on, where a form may begin; returns the first that
    /// was not decided, since too little stands behind it.
    pub(super) fn sift(
        &self,
        text: &[u8],
        from: usize,
        mut take: impl FnMut(Range<usize>),
    ) -> usize {
        let mut decided = from;
        while let Some(loaded) = text[decided..]
            .get(self.stride - 1..)
            .and_then(<[u8]>::first_chunk)
        {
            if self.bits.has(u64::from_le_bytes(*loaded) & self.mask) {
                take(decided..decided + self.stride);
            }
            decided += self.stride;
        }
        decided
    }
}
