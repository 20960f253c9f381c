//! The samples of one figure.

use crate::unit::Unit;

/// The samples of one figure.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn push(&mut self, sample: f64) {
        self.0.push(sample);
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The median; none without samples.
    pub(crate) fn p50(&self) -> Option<f64> {
        self.percentile(50)
    }

    /// What nine in ten are no worse than: the 90th percentile of a cost, the 10th of a rate.
    pub(crate) fn p90(&self, unit: Unit) -> Option<f64> {
        self.percentile(if unit.is_cost() { 90 } else { 10 })
    }

    /// The nearest rank.
    fn percentile(&self, percent: usize) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).copied()
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<I: IntoIterator<Item = f64>>(samples: I) -> Self {
        Self(samples.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples() {
        let samples: Samples = (1..=10).rev().map(f64::from).collect();
        assert_eq!(samples.p50(), Some(5.0));
        assert_eq!(samples.p90(Unit::Seconds), Some(9.0));
        assert_eq!(samples.p90(Unit::PerSecond), Some(1.0));
        assert_eq!(Samples::default().p50(), None);
        assert_eq!([7.0].into_iter().collect::<Samples>().p50(), Some(7.0));
    }
}
