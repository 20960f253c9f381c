//! Hashes of parts of a text, each in constant time: a polynomial modulo 2^61 - 1.
//!
//! Equal texts have equal hashes, so a secret is never missed. Two different ones agree once in
//! 2^61, and then something is hidden that is not secret.

const MODULUS: u64 = (1 << 61) - 1;
const BASE: u64 = 0x0d1c_eb00_da7a_5eed;

/// `BASE` to the power of `STEP` times 0, 1, 2, …
#[derive(Debug)]
pub(super) struct Powers(Vec<u64>);

/// Lengths that are hashed are multiples of this.
pub(super) const STEP: usize = 128;

impl Powers {
    /// Those for texts of up to `longest` bytes.
    pub(super) fn up_to(longest: usize) -> Self {
        let step = (0..STEP).fold(1, |power, _| times(power, BASE));
        let mut powers = vec![1];
        for at in 0..longest / STEP {
            powers.push(times(powers[at], step));
        }
        Self(powers)
    }

    /// The hash of `STEP * steps` bytes, from those of the text before and up to their end.
    pub(super) fn between(&self, before: u64, end: u64, steps: usize) -> u64 {
        let shifted = times(before, self.0[steps]);
        if end >= shifted {
            end - shifted
        } else {
            end + MODULUS - shifted
        }
    }
}

/// The hash of a text with one byte more.
pub(super) fn push(hash: u64, byte: u8) -> u64 {
    // The byte is counted from one, so that a zero at the start counts.
    reduced(times(hash, BASE) + u64::from(byte) + 1)
}

fn times(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the lowest 61 bits are meant"
    )]
    let low = (product as u64) & MODULUS;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "both factors are below 2^61"
    )]
    let high = (product >> 61) as u64;
    reduced(low + high)
}

fn reduced(number: u64) -> u64 {
    if number >= MODULUS {
        number - MODULUS
    } else {
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(text: &[u8]) -> u64 {
        text.iter().fold(0, |hash, byte| push(hash, *byte))
    }

    #[test]
    fn a_part_has_the_hash_of_its_text() {
        let text: Vec<u8> = (0..2000_u32)
            .map(|at| u8::try_from(at * at % 251).unwrap())
            .collect();
        let powers = Powers::up_to(text.len());
        for start in [0, 1, 7, 500] {
            for steps in 0..=(text.len() - start) / STEP {
                let end = start + steps * STEP;
                let part = powers.between(hash(&text[..start]), hash(&text[..end]), steps);
                assert_eq!(part, hash(&text[start..end]));
            }
        }
        assert_ne!(hash(&[0]), hash(&[0, 0]));
    }
}
