//! Many commands at a time.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::scope;
use std::time::Instant;

use anyhow::{Result, anyhow};

use super::{BENCH, run_over};
use crate::contest::Contest;
use crate::instance::Instance;
use crate::lab::Lab;
use crate::local;
use crate::report::Report;
use crate::ssh::Master;
use crate::unit::{Unit, rate};

const CALLERS: usize = 32;
/// 1,000 commands of each, a quarter at a time.
const ROUNDS: usize = 4;
const COMMANDS: usize = 250;

pub(super) fn run(
    lab: &Lab,
    instance: &Instance,
    master: &Result<Master<'_>>,
    report: &mut Report,
) {
    let local = format!("sh -c true, local, {CALLERS} at a time");
    let mut contest = Contest::default();
    contest.add(local.as_str(), Unit::PerSecond, || {
        all_at_once(|_| Ok(local::run_true))
    });
    let exec = format!("exec of true, {CALLERS} at a time");
    contest.add(exec, Unit::PerSecond, || {
        all_at_once(|_| {
            let request = instance.exec("true")?;
            let mut connection = instance.connect()?;
            Ok(move || connection.exec(&request).map(drop))
        })
    });
    let ssh = format!("ssh, kept master connection, {CALLERS} at a time");
    contest.add(ssh, Unit::PerSecond, || {
        all_at_once(|_| Ok(|| run_over(master)))
    });
    report.take(BENCH, contest.run(lab.samples(ROUNDS)), &local);
}

/// The commands per second of all callers together. Each caller has a worker of its own, which
/// is made for its number before the time begins.
pub(in crate::bench) fn all_at_once<W: FnMut() -> Result<()>>(
    worker: impl Fn(usize) -> Result<W> + Sync,
) -> Result<f64> {
    let (taken, ready) = (AtomicUsize::new(0), Barrier::new(CALLERS + 1));
    let caller = |number: usize| {
        let worker = worker(number);
        ready.wait();
        let mut worker = worker?;
        while taken.fetch_add(1, Ordering::Relaxed) < COMMANDS {
            worker()?;
        }
        Ok(())
    };
    scope(|scope| {
        let caller = &caller;
        let callers: Vec<_> = (0..CALLERS)
            .map(|number| scope.spawn(move || caller(number)))
            .collect();
        ready.wait();
        let start = Instant::now();
        let ended = callers.into_iter().map(|caller| {
            let ended = caller.join().map_err(|_| anyhow!("a caller panicked"));
            ended.and_then(|result| result)
        });
        let ended: Vec<Result<()>> = ended.collect();
        let time = start.elapsed();
        ended.into_iter().collect::<Result<()>>()?;
        Ok(rate(COMMANDS, time))
    })
}
