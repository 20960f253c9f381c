//! Checking keys while others are created and revoked, which changes the memory that they are
//! checked in and writes to the disk.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use tokio::runtime::Runtime;
use tokio::time::{MissedTickBehavior, interval};

use super::keys::{InUse, Keys};
use super::{BAR_SECONDS, BENCH};
use crate::contest::{Contest, Measured, p50};
use crate::lab::Lab;
use crate::report::Report;
use crate::samples::Samples;
use crate::unit::{Unit, rate};

const STORED: usize = 100_000;
const NETWORKS: usize = 32;
const ROUNDS: usize = 40;
/// How long is checked for one sample: there are several changes meanwhile.
const WINDOW: Duration = Duration::from_millis(300);
/// Checks that are timed together.
const CHECKS: usize = 500;
/// 1,000 a minute.
const CHANGE_EVERY: Duration = Duration::from_millis(60);

const ALONE: &str = "automation key, 32 networks, all of 100000 in use";
const BESIDE: &str = "the same, while keys are created and revoked";

/// What is noted beside the samples.
#[derive(Default)]
struct Notes {
    slowest_alone: Samples,
    slowest_beside: Samples,
    changes: Samples,
}

pub(super) fn run(lab: &Lab, runtime: &Runtime, report: &mut Report) -> Result<()> {
    let directory = lab.scratch.new_path("keys");
    let keys = runtime.block_on(Keys::create(&directory, STORED, NETWORKS))?;
    let notes = RefCell::new(Notes::default());
    let mut contest = Contest::default();
    contest.add(ALONE, Unit::Seconds, || {
        let window = Window::measure(&keys, runtime)?;
        notes.borrow_mut().slowest_alone.push(window.slowest);
        Ok(window.median)
    });
    contest.add(BESIDE, Unit::Seconds, || {
        let work = || Window::measure(&keys, runtime);
        let (window, per_second) = beside_changes(&keys, runtime, work)?;
        let mut notes = notes.borrow_mut();
        notes.slowest_beside.push(window.slowest);
        notes.changes.push(per_second);
        Ok(window.median)
    });
    let measured = contest.run(lab.samples(ROUNDS));
    let verdict = p50(&measured, BESIDE);
    let verdict = verdict.map(|beside| (Unit::Seconds.format(beside), beside < BAR_SECONDS));
    let bar = "32 networks, 100,000 keys, 1,000 changed a minute < 5 µs, p50";
    report.bar(BENCH, bar, verdict);
    report.take(BENCH, measured, ALONE);
    report.take(BENCH, notes.into_inner().figures(), "");
    runtime.block_on(keys.close());
    Ok(())
}

impl Notes {
    fn figures(self) -> Vec<Measured> {
        let figures = [
            (
                "slowest 500 of a sample, each",
                Unit::Seconds,
                self.slowest_alone,
            ),
            (
                "slowest 500, while keys change, each",
                Unit::Seconds,
                self.slowest_beside,
            ),
            (
                "keys created, and as many revoked, meanwhile",
                Unit::PerSecond,
                self.changes,
            ),
        ];
        let figures = figures.into_iter().map(|(what, unit, samples)| Measured {
            what: what.to_owned(),
            unit,
            samples,
            failure: None,
        });
        figures.collect()
    }
}

/// The seconds that a check took, in the course of a while.
struct Window {
    median: f64,
    slowest: f64,
}

impl Window {
    fn measure(keys: &Keys, runtime: &Runtime) -> Result<Self> {
        let (start, mut batches, mut slowest) = (Instant::now(), Samples::default(), 0.0_f64);
        while start.elapsed() < WINDOW {
            let batch = runtime.block_on(keys.check_automation(InUse::All, CHECKS))?;
            batches.push(batch);
            slowest = slowest.max(batch);
        }
        let median = batches.p50().context("no checks")?;
        Ok(Self { median, slowest })
    }
}

/// Does `work` while keys are created and revoked; also says how many were in a second.
fn beside_changes(
    keys: &Keys,
    runtime: &Runtime,
    work: impl FnOnce() -> Result<Window>,
) -> Result<(Window, f64)> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let changing = scope.spawn(|| runtime.block_on(change(keys, &over)));
        let window = work();
        over.store(true, Ordering::Relaxed);
        let changes = changing
            .join()
            .map_err(|_| anyhow!("the changes panicked"))?;
        Ok((window?, changes?))
    })
}

/// Creates a key and revokes it, at the rate, until it is over.
async fn change(keys: &Keys, over: &AtomicBool) -> Result<f64> {
    let mut ticks = interval(CHANGE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (start, mut changes) = (Instant::now(), 0);
    ticks.tick().await;
    while !over.load(Ordering::Relaxed) {
        let key = keys.create_another().await?;
        keys.revoke(key).await?;
        changes += 1;
        ticks.tick().await;
    }
    Ok(rate(changes, start.elapsed()))
}
