//! What hosts measure of themselves, and whether they answered when they were asked.

use std::time::Duration;

use crate::Timestamp;

/// One thing that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Processor time in use, in percent of all cores.
    CpuPercent,
    /// Memory in use, in MiB: what could not be given to a new process.
    MemoryUsedMb,
    /// All memory, in MiB.
    MemoryTotalMb,
    /// Space in use on the root file system, in MiB.
    DiskUsedMb,
    /// All space on the root file system, in MiB.
    DiskTotalMb,
    /// Bytes received per second on every interface but loopback.
    NetworkRx,
    /// Bytes sent per second on every interface but loopback.
    NetworkTx,
    /// Load average of one minute.
    Load1,
    /// Load average of five minutes.
    Load5,
    /// Load average of fifteen minutes.
    Load15,
    /// From asking the runner to its answer, in milliseconds.
    LatencyMs,
}

impl Metric {
    /// How many there are.
    pub const COUNT: usize = 11;

    /// The largest value that is believed; a host may say anything.
    const fn most(self) -> f64 {
        match self {
            Self::CpuPercent => 100.0,
            Self::Load1 | Self::Load5 | Self::Load15 => 1e6,
            Self::LatencyMs => 1e7,
            Self::MemoryUsedMb | Self::MemoryTotalMb | Self::DiskUsedMb | Self::DiskTotalMb => 1e12,
            Self::NetworkRx | Self::NetworkTx => 1e15,
        }
    }
}

/// Values measured together; each may be unknown, and none is infinite or out of bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HostSample {
    values: [Option<f32>; Metric::COUNT],
}

impl HostSample {
    /// With one value more. One that is no number is left out, one out of bounds is cut.
    #[must_use]
    pub fn with(mut self, metric: Metric, value: f64) -> Self {
        if !value.is_nan() {
            self.values[metric as usize] = Some(narrow(value.clamp(0.0, metric.most())));
        }
        self
    }

    /// A value, if it is known.
    pub fn get(&self, metric: Metric) -> Option<f64> {
        self.values[metric as usize].map(f64::from)
    }

    /// All values, in the order of [`Metric`].
    pub const fn values(&self) -> &[Option<f32>; Metric::COUNT] {
        &self.values
    }

    /// From values in that order; what is not finite is unknown.
    pub fn of_values(values: [Option<f32>; Metric::COUNT]) -> Self {
        Self {
            values: values.map(|value| value.filter(|value| value.is_finite())),
        }
    }

    /// Each value's average over those samples that know it, each as often as its weight.
    fn average<'s>(samples: &(impl Iterator<Item = (&'s Self, u32)> + Clone)) -> Self {
        let mut average = Self::default();
        for (index, value) in average.values.iter_mut().enumerate() {
            let known = samples.clone();
            let known = known.filter_map(|(sample, weight)| Some((sample.values[index]?, weight)));
            let (mut sum, mut weights) = (0.0, 0.0);
            for (value, weight) in known {
                sum += f64::from(value) * f64::from(weight);
                weights += f64::from(weight);
            }
            *value = (weights > 0.0).then(|| narrow(sum / weights));
        }
        average
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "seven digits are enough here"
)]
const fn narrow(value: f64) -> f32 {
    value as f32
}

/// How often a host was asked in a span of time, how often it answered, and what it measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HostChecks {
    /// When the span begins.
    pub at: Timestamp,
    /// How often it was asked.
    pub total: u16,
    /// How often it answered.
    pub ok: u16,
    /// The average of what it answered.
    pub sample: HostSample,
}

impl HostChecks {
    /// One question that was answered.
    pub const fn answered(at: Timestamp, sample: HostSample) -> Self {
        Self {
            at,
            total: 1,
            ok: 1,
            sample,
        }
    }

    /// One question without an answer.
    pub fn failed(at: Timestamp) -> Self {
        Self {
            at,
            total: 1,
            ok: 0,
            sample: HostSample::default(),
        }
    }

    /// All of them as one that begins at `at`.
    pub fn merged(at: Timestamp, checks: &[Self]) -> Self {
        let sum = |count: fn(&Self) -> u16| {
            checks
                .iter()
                .fold(0_u16, |sum, checks| sum.saturating_add(count(checks)))
        };
        let samples = checks.iter();
        let samples = samples.map(|checks| (&checks.sample, u32::from(checks.ok)));
        Self {
            at,
            total: sum(|checks| checks.total),
            ok: sum(|checks| checks.ok),
            sample: HostSample::average(&samples.filter(|(_, weight)| *weight > 0)),
        }
    }
}

/// How finely measurements are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resolution {
    /// As they come, every ten seconds or so.
    Fine,
    /// One for each minute.
    Minute,
    /// One for each ten minutes.
    TenMinutes,
}

impl Resolution {
    /// Every one, the finest first.
    pub const ALL: [Self; 3] = [Self::Fine, Self::Minute, Self::TenMinutes];

    /// The name in the API and in the database: seconds.
    pub const fn seconds(self) -> u32 {
        match self {
            Self::Fine => 10,
            Self::Minute => 60,
            Self::TenMinutes => 600,
        }
    }

    /// How long they are kept.
    pub const fn kept(self) -> Duration {
        match self {
            Self::Fine => Duration::from_hours(1),
            Self::Minute => Duration::from_hours(24),
            Self::TenMinutes => Duration::from_hours(7 * 24),
        }
    }

    /// The span of one measurement.
    pub const fn span(self) -> Duration {
        Duration::from_secs(self.seconds() as u64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn sample(load: f64) -> HostSample {
        HostSample::default().with(Metric::Load1, load)
    }

    #[test]
    fn failures_weigh_in_the_count_and_not_in_the_average() {
        let checks = [
            HostChecks::answered(at(0), sample(1.0)),
            HostChecks::failed(at(10)),
            HostChecks::answered(at(20), sample(2.0)),
        ];
        let merged = HostChecks::merged(at(0), &checks);
        assert_eq!((merged.total, merged.ok), (3, 2));
        assert_eq!(merged.sample.get(Metric::Load1), Some(1.5));
        assert_eq!(merged.sample.get(Metric::CpuPercent), None);
    }

    #[test]
    fn averages_of_averages_keep_their_weights() {
        let first = HostChecks::merged(at(0), &[HostChecks::answered(at(0), sample(9.0)); 3]);
        let second = HostChecks::answered(at(60), sample(1.0));
        let merged = HostChecks::merged(at(0), &[first, second]);
        assert_eq!(merged.sample.get(Metric::Load1), Some(7.0));
    }

    proptest! {
        #[test]
        fn whatever_a_host_says_is_finite_and_in_bounds(value: f64) {
            let sample = HostSample::default().with(Metric::CpuPercent, value);
            let kept = sample.get(Metric::CpuPercent);
            prop_assert_eq!(kept.is_none(), value.is_nan());
            prop_assert!(kept.is_none_or(|kept| (0.0..=100.0).contains(&kept)));
        }
    }
}
