//! From the start of the process to the line that says that it is ready.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;

use crate::contest::{Contest, p50};
use crate::instance::{Instance, Setup};
use crate::lab::Lab;
use crate::local;
use crate::report::Report;
use crate::unit::Unit;

const BENCH: &str = "start";
const ROUNDS: usize = 20;
const BAR_SECONDS: f64 = 0.3;

const SHELL: &str = "sh -c true";
const FIRST: &str = "first start";
const LATER: &str = "later start, nothing left running";

pub(super) fn run(lab: &Lab, report: &mut Report) -> Result<()> {
    let binary = lab.binary()?;
    let kept = lab.scratch.new_path("data");
    let mut contest = Contest::default();
    contest.add_timed(SHELL, local::run_true);
    contest.add(FIRST, Unit::Seconds, || {
        time_to_ready(binary, &lab.scratch.new_path("data"))
    });
    contest.add(LATER, Unit::Seconds, || time_to_ready(binary, &kept));
    let measured = contest.run(lab.samples(ROUNDS));
    let first = p50(&measured, FIRST);
    report.take(BENCH, measured, SHELL);
    let verdict = first.map(|first| (Unit::Seconds.format(first), first < BAR_SECONDS));
    report.bar(BENCH, "first start to ready, p50 < 300 ms", verdict);
    Ok(())
}

/// The first round, which does not count, makes the data directory that is kept.
fn time_to_ready(binary: &Path, data_dir: &Path) -> Result<f64> {
    let start = Instant::now();
    let instance = Instance::start(&Setup::new(binary, data_dir))?;
    let time = start.elapsed().as_secs_f64();
    instance.stop();
    Ok(time)
}
