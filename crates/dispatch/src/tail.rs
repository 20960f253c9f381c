//! The last bytes of a stream.

use reoclo_store::Tail;

/// Bytes of each stream that answers and rows carry.
const KEPT: usize = 64 * 1024;

/// Collects a stream and keeps its last 64 KiB, in at most twice that memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct TailBuffer {
    bytes: Vec<u8>,
    /// Where in the stream the next byte belongs.
    position: u64,
    gap: bool,
}

impl TailBuffer {
    /// Where to go on from after a lost connection.
    pub(crate) const fn position(&self) -> u64 {
        self.position
    }

    /// Takes `data` that stands at `offset`; what was seen before is skipped, and a jump ahead
    /// means that the bytes between are gone.
    pub(crate) fn push(&mut self, offset: u64, data: &[u8]) {
        let seen = usize::try_from(self.position.saturating_sub(offset)).unwrap_or(usize::MAX);
        if offset > self.position {
            self.gap = true;
            self.bytes.clear();
            self.position = offset;
        }
        let fresh = data.get(seen..).unwrap_or_default();
        self.position += fresh.len() as u64;
        self.bytes
            .extend_from_slice(&fresh[fresh.len().saturating_sub(KEPT)..]);
        if self.bytes.len() > 2 * KEPT {
            self.cut();
        }
    }

    /// What stands at `offset` and behind it, if that is still here.
    pub(crate) fn read(&self, offset: u64) -> Option<&[u8]> {
        let start = self.position - self.bytes.len() as u64;
        let skip = usize::try_from(offset.checked_sub(start)?).ok()?;
        self.bytes.get(skip..).filter(|rest| !rest.is_empty())
    }

    /// The first position that is still here.
    pub(crate) fn start(&self) -> u64 {
        self.position - self.bytes.len() as u64
    }

    /// The end of the stream, of which the runner counted `total` bytes.
    pub(crate) fn finish(mut self, total: u64) -> Tail {
        self.cut();
        let total = total.max(self.position);
        let truncated = self.gap || total > self.bytes.len() as u64;
        Tail {
            bytes: self.bytes,
            total: i64::try_from(total).unwrap_or(i64::MAX),
            truncated,
        }
    }

    fn cut(&mut self) {
        let excess = self.bytes.len().saturating_sub(KEPT);
        self.bytes.drain(..excess);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_jump_says_truncated_and_keeps_what_came_after() {
        let mut tail = TailBuffer::default();
        tail.push(0, b"abc");
        tail.push(10, b"xyz");
        let tail = tail.finish(13);
        assert_eq!(
            (tail.bytes.as_slice(), tail.total, tail.truncated),
            (&b"xyz"[..], 13, true)
        );
    }

    #[test]
    fn output_that_never_came_is_truncated_too() {
        let mut tail = TailBuffer::default();
        tail.push(0, b"abc");
        assert!(tail.finish(4).truncated);
    }

    proptest! {
        #[test]
        fn however_it_arrives_the_end_of_the_stream_is_kept(
            len in 0_usize..200_000, chunk in 1_usize..70_000, repeat in 0_usize..3,
        ) {
            let stream: Vec<u8> = (0..len).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
            let mut tail = TailBuffer::default();
            let mut at = 0;
            while at < len {
                let end = (at + chunk).min(len);
                // A follower that was cut off gets the end of what it had once more.
                let from = at.saturating_sub(repeat * 1000);
                tail.push(from as u64, &stream[from..end]);
                at = end;
            }
            let tail = tail.finish(len as u64);
            prop_assert_eq!(&tail.bytes[..], &stream[len.saturating_sub(KEPT)..]);
            prop_assert_eq!(tail.truncated, len > KEPT);
        }
    }
}
