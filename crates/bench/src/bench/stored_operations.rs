//! What an exec costs when many were run before, and what reading them takes.

use std::time::Instant;

use anyhow::Result;

use crate::contest::{Contest, Measured, p50, time};
use crate::fill::Filler;
use crate::instance::Instance;
use crate::lab::Lab;
use crate::local;
use crate::report::Report;
use crate::unit::Unit;

const BENCH: &str = "stored_operations";
const SIZES: [usize; 4] = [0, 10_000, 100_000, 1_000_000];
const ROUNDS: usize = 500;
const LIST_ROUNDS: usize = 100;
/// More than this between no operation and the most is not flat.
const FLAT: f64 = 1.25;

const LOCAL: &str = "sh -c true, local";
const EXEC: &str = "exec of true";
/// What a list is asked for, and its name.
const LISTS: [(&str, &str); 3] = [
    ("/api/operations", "GET /api/operations"),
    (
        "/api/operations?status=failed",
        "GET /api/operations of a state",
    ),
    (
        "/api/audit-logs?action=operation.end",
        "GET /api/audit-logs of an action",
    ),
];

pub(super) fn run(lab: &Lab, report: &mut Report) -> Result<()> {
    let mut instance = lab.start()?;
    let mut filler = Filler::new(&instance)?;
    let data_dir = instance.data_dir().to_owned();
    let mut measured = Vec::new();
    let mut starts = Vec::new();
    let sizes = SIZES.map(|size| if size == 0 { 0 } else { lab.samples(size) });
    for size in sizes {
        if size > 0 {
            let filling = time(|| instance.pause(|| filler.fill(&data_dir, size)))?;
            println!("  filling up to {size} operations took {filling:.0} s");
        }
        starts.push(start(&mut instance, size)?);
        measured.extend(contest(lab, &instance, size)?);
    }
    judge(&measured, sizes, report);
    let first = sizes[0];
    let (commands, mut lists): (Vec<_>, Vec<_>) = measured
        .into_iter()
        .partition(|one| one.what.starts_with(LOCAL) || one.what.starts_with(EXEC));
    report.take(BENCH, commands, &of(EXEC, first));
    for (_, name) in LISTS {
        let (these, others) = lists
            .into_iter()
            .partition(|one: &Measured| one.what.starts_with(&format!("{name},")));
        lists = others;
        report.take(BENCH, these, &of(name, first));
    }
    report.take(BENCH, starts, &of(START, first));
    instance.stop();
    Ok(())
}

const START: &str = "a later start, until the ready line";

/// Starts it once more; what was filled is not in the caches of the process.
fn start(instance: &mut Instance, stored: usize) -> Result<Measured> {
    let mut begin = Instant::now();
    instance.pause(|| {
        begin = Instant::now();
        Ok(())
    })?;
    let seconds = begin.elapsed().as_secs_f64();
    Ok(Measured {
        what: of(START, stored),
        unit: Unit::Seconds,
        samples: [seconds].into_iter().collect(),
        failure: None,
    })
}

fn contest(lab: &Lab, instance: &Instance, stored: usize) -> Result<Vec<Measured>> {
    let request = instance.exec("true")?;
    let mut connection = instance.connect()?;
    let mut contest = Contest::default();
    contest.add_timed(of(LOCAL, stored), local::run_true);
    contest.add_timed(of(EXEC, stored), || connection.exec(&request).map(drop));
    let mut measured = contest.run(lab.samples(ROUNDS));
    // Apart: what reads much leaves the processor's caches to whoever comes next.
    let mut contest = Contest::default();
    for (path, name) in LISTS {
        let request = instance.get(path)?;
        let mut connection = instance.connect()?;
        contest.add_timed(of(name, stored), move || {
            connection.send(&request).map(drop)
        });
    }
    measured.extend(contest.run(lab.samples(LIST_ROUNDS)));
    Ok(measured)
}

fn judge(measured: &[Measured], sizes: [usize; 4], report: &mut Report) {
    let ratio = |stored| {
        let median = |what| p50(measured, &of(what, stored));
        Some(median(EXEC)? / median(LOCAL)?)
    };
    let [none, .., most] = sizes;
    let verdict = ratio(none).zip(ratio(most)).map(|(none, most)| {
        let text = format!("{:.2} × ({most:.2} / {none:.2})", most / none);
        (text, most / none <= FLAT)
    });
    let bar = format!("exec with {most} stored ≤ {FLAT} × with none, each in local sh -c true");
    report.bar(BENCH, &bar, verdict);
}

fn of(what: &str, stored: usize) -> String {
    format!("{what}, {stored} stored")
}
