//! What the buffers of one connection hold, at the most.

/// What is read of a stranger at a time, and given to the system at a time.
pub(super) const MOST_AT_ONCE: usize = 8 * 1024;
/// The largest head of a request, and what a stranger may say on an upgraded connection before
/// they have shown who they are.
pub(super) const MAX_HEAD_BYTES: usize = 64 * 1024;
/// A connection's task, socket, parser, and the answer of a page that is being made.
const CLEAR_BYTES: usize = 12 * 1024;
/// A TLS session with its keys and buffers.
const TLS_BYTES: usize = 36 * 1024;
/// What the system holds once it takes no more of an answer: what it has not sent, and what the
/// other side goes on to send us, which nobody reads meanwhile.
const STALLED_BYTES: usize = 128 * 1024;
/// What a handler keeps of a stranger's body: the rest is read and dropped.
const MAX_BODY_BYTES: usize = 8 * 1024;
/// What a body is read into grows with how fast it comes.
const BODY_BUFFER_BYTES: usize = 16 * 1024;

/// Counts for strangers alone: who has authenticated may have as much as they need.
#[derive(Debug, Default)]
pub(super) struct Held {
    base: usize,
    /// What has come since the last request ended, without its body.
    head: usize,
    /// Of the last read, what lies beyond a request's end is still in the buffer.
    last_read: usize,
    body: usize,
    answer: usize,
    is_stalled: bool,
    is_known: bool,
}

impl Held {
    pub(super) const fn opens(&mut self, has_tls: bool) {
        self.base = if has_tls {
            CLEAR_BYTES + TLS_BYTES
        } else {
            CLEAR_BYTES
        };
    }

    /// The handshake is over.
    pub(super) const fn opened(&mut self) {
        self.head = 0;
    }

    pub(super) const fn is_known(&mut self) {
        self.is_known = true;
    }

    pub(super) const fn is_of_stranger(&self) -> bool {
        !self.is_known
    }

    /// How much of a head may be read now.
    pub(super) const fn head_left(&self) -> usize {
        MAX_HEAD_BYTES.saturating_sub(self.head)
    }

    pub(super) const fn read(&mut self, bytes: usize, is_serving: bool) {
        self.last_read = bytes;
        if !is_serving {
            self.head += bytes;
        }
    }

    /// Over a proxy's connection, strangers' requests follow on those of people who are known.
    pub(super) const fn request_begins(&mut self, is_proxy: bool) {
        if is_proxy {
            self.is_known = false;
        }
    }

    pub(super) fn body_came(&mut self, bytes: usize) {
        self.body = (self.body + bytes).min(MAX_BODY_BYTES);
    }

    pub(super) const fn answer_came(&mut self, bytes: usize) {
        self.answer += bytes;
    }

    pub(super) const fn stalls(&mut self) {
        self.is_stalled = true;
    }

    pub(super) const fn written(&mut self, bytes: usize) {
        self.answer = self.answer.saturating_sub(bytes);
        self.is_stalled = false;
    }

    pub(super) const fn answered(&mut self) {
        self.head = self.last_read;
        self.body = 0;
    }

    /// The connection is no more.
    pub(super) fn ends(&mut self) {
        *self = Self {
            is_known: true,
            ..Self::default()
        };
    }

    pub(super) fn total(&self) -> usize {
        if self.is_known {
            return 0;
        }
        let stalled = if self.is_stalled { STALLED_BYTES } else { 0 };
        // Buffers grow by doubling, and a body's is copied from one to the next.
        let head = self.head.next_power_of_two().max(MOST_AT_ONCE);
        let body = match self.body {
            0 => 0,
            kept => 2 * kept + BODY_BUFFER_BYTES,
        };
        self.base + head + self.last_read + body + self.answer + stalled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> Held {
        let mut held = Held::default();
        held.opens(false);
        held
    }

    #[test]
    fn what_a_stranger_sends_counts_until_it_is_answered() {
        let mut held = open();
        let before = held.total();
        for _ in 0..7 {
            held.read(8 * 1024, false);
        }
        assert!(held.total() >= before + 48 * 1024);
        held.request_begins(false);
        for _ in 0..7 {
            held.read(8 * 1024, true);
            held.body_came(8 * 1024);
        }
        assert!(held.total() >= before + 76 * 1024);
        held.answer_came(20_000);
        held.stalls();
        assert!(held.total() >= before + 190 * 1024);
        held.written(20_000);
        held.answered();
        // What came behind the request may be the next one's.
        assert_eq!(held.total(), before + 8 * 1024);
    }

    #[test]
    fn who_is_known_counts_for_nothing_and_over_a_proxy_for_one_request() {
        let mut held = open();
        held.read(5000, false);
        held.is_known();
        assert_eq!(held.total(), 0);
        held.request_begins(false);
        assert_eq!(held.total(), 0);
        held.request_begins(true);
        assert!(held.total() > 5000);
        held.ends();
        held.read(5000, false);
        assert_eq!(held.total(), 0, "nothing is left behind");
    }
}
