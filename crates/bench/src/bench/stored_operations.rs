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
const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];
const ROUNDS: usize = 500;
const LIST_ROUNDS: usize = 100;
/// More than this between none stored and the most is not flat.
const FLAT: f64 = 1.25;

const LOCAL: &str = "sh -c true, local";
const EXEC: &str = "exec of true";
/// The two instances.
const EMPTY: &str = "none stored";
const FULL: &str = "filled";
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
    // In the same rounds as the other: what else the machine does hits both alike.
    let empty = lab.start()?;
    let mut instance = lab.start()?;
    let mut filler = Filler::new(&instance)?;
    let data_dir = instance.data_dir().to_owned();
    let mut measured = Vec::new();
    let mut starts = Vec::new();
    let sizes = SIZES.map(|size| lab.samples(size));
    for size in sizes {
        let filling = time(|| instance.pause(|| filler.fill(&data_dir, size)))?;
        println!("  filling up to {size} operations took {filling:.0} s");
        starts.push(start(&mut instance, size)?);
        let contest = contest(lab, &empty, &instance, size)?;
        if size == sizes[sizes.len() - 1] {
            judge(&contest, size, report);
        }
        measured.extend(contest);
    }
    for size in sizes {
        let rest = measured.split_off(3 + 2 * LISTS.len());
        let mut lists = measured.split_off(3);
        report.take(BENCH, measured, &of(EXEC, EMPTY, size));
        for (_, name) in LISTS {
            let others = lists.split_off(2);
            report.take(BENCH, lists, &of(name, EMPTY, size));
            lists = others;
        }
        measured = rest;
    }
    report.take(BENCH, starts, "");
    empty.stop();
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
        what: format!("{START}, {stored} stored"),
        unit: Unit::Seconds,
        samples: [seconds].into_iter().collect(),
        failure: None,
    })
}

/// A local command, and then everything on both instances in turn.
fn contest(lab: &Lab, empty: &Instance, full: &Instance, stored: usize) -> Result<Vec<Measured>> {
    let both = [(empty, EMPTY), (full, FULL)];
    let mut contest = Contest::default();
    contest.add_timed(of(LOCAL, "beside", stored), local::run_true);
    for (instance, which) in both {
        let request = instance.exec("true")?;
        let mut connection = instance.connect()?;
        contest.add_timed(of(EXEC, which, stored), move || {
            connection.exec(&request).map(drop)
        });
    }
    let mut measured = contest.run(lab.samples(ROUNDS));
    // Apart: what reads much leaves the processor's caches to whoever comes next.
    let mut contest = Contest::default();
    for (path, name) in LISTS {
        for (instance, which) in both {
            let request = instance.get(path)?;
            let mut connection = instance.connect()?;
            contest.add_timed(of(name, which, stored), move || {
                connection.send(&request).map(drop)
            });
        }
    }
    measured.extend(contest.run(lab.samples(LIST_ROUNDS)));
    Ok(measured)
}

fn judge(measured: &[Measured], stored: usize, report: &mut Report) {
    let median = |which| p50(measured, &of(EXEC, which, stored));
    let verdict = median(EMPTY).zip(median(FULL)).map(|(empty, full)| {
        let show = |seconds| Unit::Seconds.format(seconds);
        let text = format!("{:.2} × ({} / {})", full / empty, show(full), show(empty));
        (text, full / empty <= FLAT)
    });
    let bar = format!("exec of true with {stored} stored ≤ {FLAT} × with none, p50");
    report.bar(BENCH, &bar, verdict);
}

fn of(what: &str, which: &str, stored: usize) -> String {
    format!("{what}, {which} ({stored})")
}
