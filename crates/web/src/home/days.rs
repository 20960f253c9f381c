//! The operations of the last days as a plot that is drawn here: no script is needed to see it.

use reoclo_control::OperationDay;

use crate::moment::day;

/// The drawing's own units.
const WIDTH: f64 = 700.0;
const HEIGHT: f64 = 100.0;
/// The part of a day's width that its bar takes.
const BAR: f64 = 0.62;
/// What there is of is seen, however little of the whole it is.
const LEAST: f64 = 1.5;

/// A bar for each day, the oldest first.
pub(super) struct DayPlot {
    pub(super) days: Vec<Day>,
    /// What the upper edge stands for.
    pub(super) most: i64,
    pub(super) completed: i64,
    pub(super) failed: i64,
    pub(super) timed_out: i64,
}

/// One day.
pub(super) struct Day {
    pub(super) date: String,
    pub(super) completed: i64,
    pub(super) failed: i64,
    pub(super) timed_out: i64,
    /// From the bottom up: the class and where it stands.
    pub(super) parts: Vec<Part>,
}

/// A part of a bar.
pub(super) struct Part {
    pub(super) class: &'static str,
    pub(super) x: String,
    pub(super) y: String,
    pub(super) width: String,
    pub(super) height: String,
}

impl DayPlot {
    pub(super) fn of(days: &[OperationDay]) -> Self {
        let sum = |of: fn(&OperationDay) -> i64| days.iter().map(of).sum();
        let most = days.iter().map(total).max().unwrap_or_default().max(1);
        let places = 0..u32::try_from(days.len()).unwrap_or(u32::MAX);
        let slot = WIDTH / f64::from(places.end.max(1));
        Self {
            days: days
                .iter()
                .zip(places)
                .map(|(day, place)| Day::of(day, f64::from(place) * slot, slot, most))
                .collect(),
            most,
            completed: sum(|day| day.completed),
            failed: sum(|day| day.failed),
            timed_out: sum(|day| day.timed_out),
        }
    }

    pub(super) const fn total(&self) -> i64 {
        self.completed + self.failed + self.timed_out
    }

    pub(super) fn first(&self) -> &str {
        self.days.first().map_or("", |day| &day.date)
    }
}

impl Day {
    fn of(counted: &OperationDay, left: f64, slot: f64, most: i64) -> Self {
        let mut floor = HEIGHT;
        let kinds = [
            ("completed", counted.completed),
            ("failed", counted.failed),
            ("timeout", counted.timed_out),
        ];
        let parts = kinds.into_iter().filter(|(_, number)| *number > 0);
        let parts = parts.map(|(class, number)| {
            let height = (share(number, most) * HEIGHT).max(LEAST);
            floor -= height;
            Part {
                class,
                x: format!("{:.1}", left + slot * (1.0 - BAR) / 2.0),
                y: format!("{floor:.1}"),
                width: format!("{:.1}", slot * BAR),
                height: format!("{height:.1}"),
            }
        });
        Self {
            parts: parts.collect(),
            date: day(counted.day),
            completed: counted.completed,
            failed: counted.failed,
            timed_out: counted.timed_out,
        }
    }
}

const fn total(day: &OperationDay) -> i64 {
    day.completed + day.failed + day.timed_out
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a bar is a hundred units high, and counts have 52 bits"
)]
fn share(number: i64, most: i64) -> f64 {
    number as f64 / most as f64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reoclo_domain::Timestamp;

    use super::*;

    fn day(number: u64, completed: i64, failed: i64, timed_out: i64) -> OperationDay {
        let first = Timestamp::from_micros(1_767_225_600_000_000);
        OperationDay {
            day: first.plus(Duration::from_hours(24 * number)),
            completed,
            failed,
            timed_out,
        }
    }

    #[test]
    fn parts_of_a_bar_stand_on_each_other() {
        let plot = DayPlot::of(&[day(0, 0, 0, 0), day(1, 100, 50, 50)]);
        assert_eq!(
            (plot.most, plot.total(), plot.first()),
            (200, 200, "2026-01-01")
        );
        assert!(plot.days[0].parts.is_empty());
        let parts = plot.days[1].parts.iter();
        let places: Vec<_> = parts
            .map(|part| (part.class, part.y.as_str(), part.height.as_str()))
            .collect();
        let expected = [
            ("completed", "50.0", "50.0"),
            ("failed", "25.0", "25.0"),
            ("timeout", "0.0", "25.0"),
        ];
        assert_eq!(places, expected);
    }

    #[test]
    fn one_of_many_is_seen_and_none_is_not() {
        let plot = DayPlot::of(&[day(0, 1_000_000, 1, 0)]);
        let heights: Vec<_> = plot.days[0]
            .parts
            .iter()
            .map(|part| part.height.as_str())
            .collect();
        assert_eq!(heights, ["100.0", "1.5"]);
        assert_eq!(DayPlot::of(&[]).total(), 0);
    }
}
