//! What a server measured, as plots that are drawn here: no script is needed to see them.

use reoclo_control::ServerMetrics;
use reoclo_domain::{HostChecks, Metric, Timestamp};

/// The drawing's own units.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 100.0;

/// One plot: a line over time, from nothing up to `most`.
pub(super) struct Plot {
    pub(super) title: &'static str,
    /// What it is now.
    pub(super) now: String,
    /// What the upper edge stands for, in words.
    pub(super) scale: String,
    /// The line, in pieces where nothing was measured between.
    pub(super) lines: Vec<String>,
}

/// What a plot's upper edge is.
#[derive(Clone, Copy)]
enum Edge {
    /// All that there is, and how that is called.
    Whole(f64, &'static str),
    /// Nobody knows how much there could be: the most that there was.
    Highest,
}

/// The plots of what was measured between two moments.
pub(super) fn plots(metrics: &ServerMetrics, from: Timestamp, to: Timestamp) -> Vec<Plot> {
    let plot = |title, metric, edge: Edge, unit: fn(f64) -> String| {
        let value = |checks: &HostChecks| checks.sample.get(metric);
        let now = metrics.current.as_ref().and_then(value)?;
        let known = metrics.history.iter().filter_map(value);
        let highest = known.fold(now, f64::max);
        let (most, scale) = match edge {
            Edge::Whole(most, what) => (most, format!("of {}{what}", unit(most))),
            Edge::Highest => (highest, format!("at most {} in this time", unit(highest))),
        };
        let most = most.max(f64::MIN_POSITIVE);
        Some(Plot {
            title,
            now: unit(now),
            scale,
            lines: lines(&metrics.history, from, to, |checks| {
                value(checks).map(|value| value / most)
            }),
        })
    };
    let total = |metric, what| {
        let current = metrics.current.as_ref();
        let most = current.and_then(|current| current.sample.get(metric));
        most.map_or(Edge::Highest, |most| Edge::Whole(most, what))
    };
    let found = [
        plot("CPU", Metric::CpuPercent, Edge::Whole(100.0, ""), percent),
        plot(
            "Memory",
            Metric::MemoryUsedMb,
            total(Metric::MemoryTotalMb, ""),
            mebibytes,
        ),
        plot(
            "Disk of /",
            Metric::DiskUsedMb,
            total(Metric::DiskTotalMb, " that programs may use"),
            mebibytes,
        ),
        plot("Network in", Metric::NetworkRx, Edge::Highest, per_second),
        plot("Network out", Metric::NetworkTx, Edge::Highest, per_second),
    ];
    found.into_iter().flatten().collect()
}

/// The points of each piece, `x,y x,y …`; `share` is the height from 0 to 1.
fn lines(
    history: &[HostChecks],
    from: Timestamp,
    to: Timestamp,
    share: impl Fn(&HostChecks) -> Option<f64>,
) -> Vec<String> {
    let span = to.since(from).as_secs_f64().max(1.0);
    let pieces = history.split(|checks| share(checks).is_none());
    pieces
        .filter(|piece| !piece.is_empty())
        .map(|piece| {
            let points = piece.iter().map(|checks| {
                let x = checks.at.since(from).as_secs_f64() / span * WIDTH;
                let y = (1.0 - share(checks).unwrap_or_default().clamp(0.0, 1.0)) * HEIGHT;
                format!("{x:.1},{y:.1}")
            });
            points.collect::<Vec<_>>().join(" ")
        })
        .collect()
}

fn percent(value: f64) -> String {
    format!("{value:.0} %")
}

fn mebibytes(value: f64) -> String {
    bytes(value * 1_048_576.0)
}

fn per_second(value: f64) -> String {
    format!("{}/s", bytes(value))
}

fn bytes(value: f64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = value;
    let mut units = UNITS.into_iter();
    let mut unit = units.next().unwrap_or_default();
    for next in units {
        if value < 1_024.0 {
            break;
        }
        value /= 1_024.0;
        unit = next;
    }
    let decimals = usize::from(value < 10.0 && unit != "B");
    format!("{value:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reoclo_domain::HostSample;

    use super::*;

    #[test]
    fn a_line_breaks_where_nothing_was_measured() {
        let from = Timestamp::from_micros(0);
        let at = |seconds| from.plus(Duration::from_secs(seconds));
        let measured = |seconds, value| {
            let sample = HostSample::default().with(Metric::CpuPercent, value);
            HostChecks::answered(at(seconds), sample)
        };
        let history = [
            measured(0, 0.0),
            measured(25, 50.0),
            HostChecks::failed(at(50)),
            measured(100, 100.0),
        ];
        let cpu = |checks: &HostChecks| Some(checks.sample.get(Metric::CpuPercent)? / 100.0);
        let drawn = lines(&history, from, at(100), cpu);
        assert_eq!(drawn, ["0.0,100.0 150.0,50.0", "600.0,0.0"]);
    }

    #[test]
    fn bytes_are_told_in_the_unit_that_fits() {
        assert_eq!(bytes(0.0), "0 B");
        assert_eq!(per_second(1_536.0), "1.5 KiB/s");
        assert_eq!(mebibytes(24_000.0), "23 GiB");
    }
}
