//! Measuring several things in turn, so that whatever else the machine does hits them alike.

use std::time::Instant;

use anyhow::Result;

use crate::samples::Samples;
use crate::unit::Unit;

/// Makes one sample.
type Measure<'a> = Box<dyn FnMut() -> Result<f64> + 'a>;

/// Things to measure in turn.
#[derive(Default)]
pub(crate) struct Contest<'a> {
    contenders: Vec<Contender<'a>>,
}

struct Contender<'a> {
    what: String,
    unit: Unit,
    /// It takes part in every so many rounds.
    every: usize,
    measure: Measure<'a>,
    samples: Samples,
    failure: Option<anyhow::Error>,
}

/// What came out for one of them.
pub(crate) struct Measured {
    pub(crate) what: String,
    pub(crate) unit: Unit,
    pub(crate) samples: Samples,
    /// Why it was given up.
    pub(crate) failure: Option<anyhow::Error>,
}

/// The seconds that `work` takes.
pub(crate) fn time(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64())
}

impl<'a> Contest<'a> {
    /// Adds something that is measured in every round.
    pub(crate) fn add(
        &mut self,
        what: impl Into<String>,
        unit: Unit,
        measure: impl FnMut() -> Result<f64> + 'a,
    ) {
        self.add_rarely(1, what, unit, measure);
    }

    /// Adds something slow, which is measured in every so many rounds.
    pub(crate) fn add_rarely(
        &mut self,
        every: usize,
        what: impl Into<String>,
        unit: Unit,
        measure: impl FnMut() -> Result<f64> + 'a,
    ) {
        self.contenders.push(Contender {
            what: what.into(),
            unit,
            every,
            measure: Box::new(measure),
            samples: Samples::default(),
            failure: None,
        });
    }

    /// Adds something whose seconds are measured in every round.
    pub(crate) fn add_timed(
        &mut self,
        what: impl Into<String>,
        mut work: impl FnMut() -> Result<()> + 'a,
    ) {
        self.add(what, Unit::Seconds, move || time(&mut work));
    }

    /// One round that does not count, then `rounds` of them, each in another order: what one
    /// leaves behind is not always to the cost of the same next one. Whoever fails is given up.
    pub(crate) fn run(mut self, rounds: usize) -> Vec<Measured> {
        let mut order: Vec<usize> = (0..self.contenders.len()).collect();
        let mut chance = Chance(0x9e37_79b9);
        for round in 0..=rounds {
            chance.shuffle(&mut order);
            for index in &order {
                self.contenders[*index].measure(round);
            }
        }
        let measured = self.contenders.into_iter().map(|contender| Measured {
            what: contender.what,
            unit: contender.unit,
            samples: contender.samples,
            failure: contender.failure,
        });
        measured.collect()
    }
}

impl Contender<'_> {
    fn measure(&mut self, round: usize) {
        if self.failure.is_some() || !round.is_multiple_of(self.every) {
            return;
        }
        match (self.measure)() {
            Ok(_) if round == 0 => {}
            Ok(sample) => self.samples.push(sample),
            Err(error) => self.failure = Some(error),
        }
    }
}

/// The median of one of them.
pub(crate) fn p50(measured: &[Measured], what: &str) -> Option<f64> {
    let one = measured.iter().find(|measured| measured.what == what)?;
    one.samples.p50()
}

/// Orders that are the same in every run.
struct Chance(u32);

impl Chance {
    fn shuffle(&mut self, order: &mut [usize]) {
        for last in (1..order.len()).rev() {
            order.swap(last, self.below(last + 1));
        }
    }

    /// The xorshift of Marsaglia.
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        usize::try_from(self.0).unwrap_or(0) % limit
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn all_take_part_and_a_failing_one_is_given_up() {
        let (mut calls, mut failures) = (0, 0);
        let mut contest = Contest::default();
        contest.add("one", Unit::Seconds, || Ok(1.0));
        contest.add_rarely(5, "rare", Unit::Seconds, || {
            calls += 1;
            Ok(f64::from(calls))
        });
        contest.add_timed("fails", || {
            failures += 1;
            bail!("no")
        });
        let measured = contest.run(10);
        assert_eq!(measured[0].samples.count(), 10);
        assert_eq!(measured[1].samples.count(), 2);
        assert_eq!(p50(&measured, "rare"), Some(2.0));
        assert_eq!(p50(&measured, "fails"), None);
        assert!(measured[2].failure.is_some());
        assert_eq!((calls, failures), (3, 1));
    }
}
