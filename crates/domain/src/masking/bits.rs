//! A bit field that says of numbers that they are not in a set, most of the time.

/// The set; some numbers that are not in it seem to be.
#[derive(Debug)]
pub(super) struct Field {
    bits: Vec<u64>,
    shift: u32,
}

impl Field {
    /// One with so many bits, or up to twice as many.
    pub(super) fn with(bits: usize) -> Self {
        let bits = bits.next_power_of_two().max(64);
        Self {
            bits: vec![0; bits / 64],
            shift: 64 - bits.trailing_zeros(),
        }
    }

    pub(super) fn set(&mut self, number: u64) {
        let bit = mixed(number) >> self.shift;
        self.bits[place(bit >> 6)] |= 1 << (bit & 63);
    }

    pub(super) fn has(&self, number: u64) -> bool {
        let bit = mixed(number) >> self.shift;
        self.bits[place(bit >> 6)] >> (bit & 63) & 1 == 1
    }
}

/// A number of which the upper bits differ when any of the others do.
pub(super) fn mixed(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// A number within a table, of which some bits are enough.
#[expect(clippy::cast_possible_truncation, reason = "some bits are enough")]
pub(super) fn place(number: u64) -> usize {
    number as usize
}
