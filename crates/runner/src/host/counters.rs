use super::text::read;

/// Counters that only grow; what happened is the difference of two readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counters {
    /// Processor time of all cores, in ticks.
    pub(super) cpu: Option<Cpu>,
    /// Bytes of all interfaces but loopback.
    pub(super) network: Option<Network>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cpu {
    pub(super) busy: u64,
    pub(super) total: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Network {
    pub(super) received: u64,
    pub(super) sent: u64,
}

impl Counters {
    pub(super) fn read() -> Self {
        Self {
            cpu: read("/proc/stat").and_then(|text| Cpu::parse(&text)),
            network: read("/proc/net/dev").map(|text| Network::parse(&text)),
        }
    }
}

impl Cpu {
    /// The first line of proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal. The
    /// guests' time, behind these, is counted in user and nice already.
    fn parse(text: &str) -> Option<Self> {
        let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
        let times = line.split_ascii_whitespace().take(8).map(str::parse);
        let times: Vec<u64> = times.collect::<Result<_, _>>().ok()?;
        let total = times
            .iter()
            .fold(0, |sum: u64, time| sum.saturating_add(*time));
        let idle = times.get(3)?.saturating_add(*times.get(4).unwrap_or(&0));
        Some(Self {
            busy: total.saturating_sub(idle),
            total,
        })
    }

    /// Percent of the time since `before`; unknown when no time has passed.
    pub(super) fn percent_since(self, before: Self) -> Option<f64> {
        let total = self
            .total
            .checked_sub(before.total)
            .filter(|time| *time > 0)?;
        let busy = self.busy.saturating_sub(before.busy).min(total);
        Some(100.0 * float(busy) / float(total))
    }
}

impl Network {
    /// proc_net_dev(5): a name, bytes received as the first number, bytes sent as the ninth.
    fn parse(text: &str) -> Self {
        let mut sum = Self::default();
        for line in text.lines() {
            let Some((name, numbers)) = line.split_once(':') else {
                continue;
            };
            if name.trim() == "lo" {
                continue;
            }
            let mut numbers = numbers.split_ascii_whitespace();
            let mut nth = |skipped| numbers.nth(skipped).and_then(|text| text.parse().ok());
            let (received, sent): (Option<u64>, Option<u64>) = (nth(0), nth(7));
            sum.received = sum.received.saturating_add(received.unwrap_or(0));
            sum.sent = sum.sent.saturating_add(sent.unwrap_or(0));
        }
        sum
    }

    /// Received and sent bytes in each of `seconds`. An interface that went away takes its count
    /// along, which is not traffic.
    pub(super) fn per_second_since(self, before: Self, seconds: f64) -> Option<(f64, f64)> {
        let received = self.received.checked_sub(before.received)?;
        let sent = self.sent.checked_sub(before.sent)?;
        (seconds > 0.0).then(|| (float(received) / seconds, float(sent) / seconds))
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "nobody needs the last byte of a rate"
)]
const fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_are_not_counted_twice() {
        let text = "cpu  100 0 50 800 50 0 0 0 90 0\ncpu0 1 2 3 4\n";
        let cpu = Cpu::parse(text).unwrap();
        assert_eq!((cpu.busy, cpu.total), (150, 1000));
        let later = Cpu {
            busy: 200,
            total: 1100,
        };
        assert_eq!(later.percent_since(cpu), Some(50.0));
        assert_eq!(cpu.percent_since(cpu), None);
        assert_eq!(cpu.percent_since(later), None);
    }

    #[test]
    fn loopback_is_no_traffic() {
        let text = "Inter-|   Receive      |  Transmit\n face |bytes    packets\n    \
                    lo: 999 1 0 0 0 0 0 0 999 1 0 0 0 0 0 0\n  \
                    eth0: 1000 1 0 0 0 0 0 0 500 1 0 0 0 0 0 0\n\
                    wg0:10 1 0 0 0 0 0 0 20 1 0 0 0 0 0 0\n";
        let network = Network::parse(text);
        assert_eq!((network.received, network.sent), (1010, 520));
        let before = Network {
            received: 10,
            sent: 20,
        };
        assert_eq!(network.per_second_since(before, 10.0), Some((100.0, 50.0)));
        assert_eq!(before.per_second_since(network, 10.0), None);
    }

    #[test]
    fn what_cannot_be_read_is_unknown() {
        for text in ["", "cpu ", "cpu  a b c d", "intr 5"] {
            assert_eq!(Cpu::parse(text), None, "{text:?}");
        }
        assert_eq!(Network::parse("garbage: x y"), Network::default());
        assert!(Counters::read().cpu.is_some(), "this host has /proc/stat");
    }
}
