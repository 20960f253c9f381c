//! Who keeps whom waiting on one connection.
//!
//! Time counts only while we wait for the other side. What takes long on our side, and what is
//! idle by its nature, costs nothing: a stream of events may be silent for days.

use std::time::Duration;

use super::ConnectionLimits;

/// What a connection does; times are the clock's monotonic ones.
#[derive(Debug)]
pub(super) struct Pace {
    phase: Phase,
    body: Budget,
    answer: Budget,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing has come yet.
    New { since: Duration },
    /// Between two requests.
    Idle { since: Duration },
    /// Part of a head has come.
    Head { since: Duration },
    /// A request is served.
    Serving,
    /// It is no longer HTTP.
    Upgraded { since: Duration },
}

/// Time that the other side may keep us waiting.
#[derive(Debug)]
struct Budget {
    whole: Duration,
    left: Duration,
    waiting_since: Option<Duration>,
}

impl Pace {
    pub(super) const fn new(limits: &ConnectionLimits, now: Duration) -> Self {
        Self {
            phase: Phase::New { since: now },
            body: Budget::new(limits.body_time),
            answer: Budget::new(limits.answer_time),
        }
    }

    /// The handshake is over, and the first head may begin.
    pub(super) const fn opened(&mut self, now: Duration) {
        self.phase = Phase::New { since: now };
    }

    pub(super) const fn read(&mut self, now: Duration) {
        if matches!(self.phase, Phase::New { .. } | Phase::Idle { .. }) {
            self.phase = Phase::Head { since: now };
        }
    }

    pub(super) const fn is_serving(&self) -> bool {
        matches!(self.phase, Phase::Serving)
    }

    pub(super) const fn is_upgraded(&self) -> bool {
        matches!(self.phase, Phase::Upgraded { .. })
    }

    pub(super) const fn request_begins(&mut self) {
        self.phase = Phase::Serving;
        self.body = Budget::new(self.body.whole);
        self.answer = Budget::new(self.answer.whole);
    }

    pub(super) const fn body_waits(&mut self, now: Duration) {
        self.body.wait(now);
    }

    pub(super) fn body_came(&mut self, now: Duration, bytes: usize, rate: u32) {
        self.body.moved(now, bytes, rate);
    }

    /// Nobody waits for the body any more.
    pub(super) const fn body_ended(&mut self) {
        self.body.waiting_since = None;
    }

    pub(super) const fn answer_waits(&mut self, now: Duration) {
        self.answer.wait(now);
    }

    pub(super) fn written(&mut self, now: Duration, bytes: usize, rate: u32) {
        self.answer.moved(now, bytes, rate);
        // The rest of an answer may still be on its way when its body has ended.
        if let Phase::Idle { since } = &mut self.phase {
            *since = now;
        }
    }

    pub(super) const fn answered(&mut self, now: Duration) {
        self.body.waiting_since = None;
        if matches!(self.phase, Phase::Serving) {
            self.phase = Phase::Idle { since: now };
        }
    }

    pub(super) const fn upgraded(&mut self, now: Duration) {
        self.phase = Phase::Upgraded { since: now };
    }

    /// Since when the other side has kept us waiting.
    pub(super) fn waiting_since(&self) -> Option<Duration> {
        match self.phase {
            Phase::New { since }
            | Phase::Idle { since }
            | Phase::Head { since }
            | Phase::Upgraded { since } => Some(since),
            Phase::Serving => self.body.waiting_since.or(self.answer.waiting_since),
        }
    }

    /// When the connection is cut, as things are.
    pub(super) fn due(&self, limits: &ConnectionLimits, is_known: bool) -> Option<Duration> {
        let idle = if is_known {
            limits.idle_time_of_known
        } else {
            limits.idle_time
        };
        let phase = match self.phase {
            // A proxy opens some before it needs them.
            Phase::New { since } if is_known => Some(since + idle),
            Phase::New { since } | Phase::Head { since } => Some(since + limits.head_time),
            Phase::Idle { since } => Some(since + idle),
            Phase::Serving | Phase::Upgraded { .. } => None,
        };
        [phase, self.body.due(), self.answer.due()]
            .into_iter()
            .flatten()
            .min()
    }
}

impl Budget {
    const fn new(whole: Duration) -> Self {
        Self {
            whole,
            left: whole,
            waiting_since: None,
        }
    }

    const fn wait(&mut self, now: Duration) {
        if self.waiting_since.is_none() {
            self.waiting_since = Some(now);
        }
    }

    /// A byte buys back the time that it may take, and no more than there was at the start: who
    /// was quick once may not be silent later.
    fn moved(&mut self, now: Duration, bytes: usize, rate: u32) {
        let Some(since) = self.waiting_since.take() else {
            return;
        };
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let bought = Duration::from_secs_f64(f64::from(bytes) / f64::from(rate.max(1)));
        self.left = self.left.saturating_sub(now.saturating_sub(since));
        self.left = self.left.saturating_add(bought).min(self.whole);
    }

    fn due(&self) -> Option<Duration> {
        self.waiting_since.map(|since| since + self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn due(pace: &Pace) -> Option<u64> {
        let due = pace.due(&ConnectionLimits::default(), false);
        due.map(|due| due.as_secs())
    }

    fn new() -> Pace {
        Pace::new(&ConnectionLimits::default(), at(100))
    }

    #[test]
    fn a_head_has_its_time_from_its_first_byte_on() {
        let mut pace = new();
        assert_eq!(due(&pace), Some(110));
        pace.read(at(105));
        assert_eq!(due(&pace), Some(115));
        pace.read(at(114));
        assert_eq!(due(&pace), Some(115), "more bytes buy a head no time");
    }

    #[test]
    fn a_body_may_keep_us_waiting_or_come_at_the_least_rate() {
        let mut pace = new();
        pace.request_begins();
        assert_eq!(due(&pace), None, "we have not asked for it yet");
        pace.body_waits(at(200));
        assert_eq!(due(&pace), Some(230));
        pace.body_came(at(220), 1024, 1024);
        pace.body_waits(at(220));
        assert_eq!(due(&pace), Some(231), "20 seconds spent, one bought");
        for second in 221..400 {
            pace.body_came(at(second), 1024, 1024);
            pace.body_waits(at(second));
        }
        assert_eq!(
            due(&pace),
            Some(399 + 11),
            "at the least rate nothing is lost"
        );
        pace.body_came(at(400), 1 << 20, 1024);
        pace.body_waits(at(400));
        assert_eq!(due(&pace), Some(430), "nothing is saved up");
        pace.body_ended();
        assert_eq!(due(&pace), None);
    }

    #[test]
    fn an_answer_that_nobody_has_yet_costs_its_reader_no_time() {
        let mut pace = new();
        pace.request_begins();
        for second in (200..100_000).step_by(600) {
            pace.written(at(second), 10, 1024);
        }
        assert_eq!(due(&pace), None);
        pace.answer_waits(at(100_000));
        pace.answer_waits(at(100_020));
        assert_eq!(due(&pace), Some(100_030));
    }

    #[test]
    fn between_requests_known_ones_may_be_idle_for_longer() {
        let mut pace = new();
        pace.request_begins();
        pace.answered(at(200));
        assert_eq!(due(&pace), Some(260));
        let known = pace.due(&ConnectionLimits::default(), true);
        assert_eq!(known, Some(at(820)));
        pace.written(at(230), 1, 1024);
        assert_eq!(due(&pace), Some(290));
    }
}
