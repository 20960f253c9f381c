//! Checking keys while others are created and revoked, which changes the memory that they are
//! checked in and writes to the disk.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
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
/// Checks in one sample: it takes long enough for several changes.
const CHECKS: usize = 100_000;
/// 1,000 a minute.
const CHANGE_EVERY: Duration = Duration::from_millis(60);

const ALONE: &str = "automation key, 32 networks, all of 100000 in use";
const BESIDE: &str = "the same, while keys are created and revoked";

pub(super) fn run(lab: &Lab, runtime: &Runtime, report: &mut Report) -> Result<()> {
    let directory = lab.scratch.new_path("keys");
    let keys = runtime.block_on(Keys::create(&directory, STORED, NETWORKS))?;
    let changes = RefCell::new(Samples::default());
    let check = || runtime.block_on(keys.check_automation(InUse::All, CHECKS));
    let mut contest = Contest::default();
    contest.add(ALONE, Unit::Seconds, check);
    contest.add(BESIDE, Unit::Seconds, || {
        let (seconds, per_second) = beside_changes(&keys, runtime, check)?;
        changes.borrow_mut().push(per_second);
        Ok(seconds)
    });
    let measured = contest.run(lab.samples(ROUNDS));
    let verdict = p50(&measured, BESIDE);
    let verdict = verdict.map(|beside| (Unit::Seconds.format(beside), beside < BAR_SECONDS));
    let bar = "32 networks, 100,000 keys, 1,000 changed a minute < 5 µs, p50";
    report.bar(BENCH, bar, verdict);
    report.take(BENCH, measured, ALONE);
    let changes = Measured {
        what: "keys created, and as many revoked, meanwhile".to_owned(),
        unit: Unit::PerSecond,
        samples: changes.into_inner(),
        failure: None,
    };
    report.take(BENCH, vec![changes], "");
    runtime.block_on(keys.close());
    Ok(())
}

/// Does `work` while keys are created and revoked; also says how many were in a second.
fn beside_changes(
    keys: &Keys,
    runtime: &Runtime,
    work: impl FnOnce() -> Result<f64>,
) -> Result<(f64, f64)> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let changing = scope.spawn(|| runtime.block_on(change(keys, &over)));
        let seconds = work();
        over.store(true, Ordering::Relaxed);
        let changes = changing
            .join()
            .map_err(|_| anyhow!("the changes panicked"))?;
        Ok((seconds?, changes?))
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
