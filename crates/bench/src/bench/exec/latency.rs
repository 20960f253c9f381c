//! One command at a time.

use std::cell::RefCell;
use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;
use tokio::runtime::Runtime;

use super::commits::Commits;
use super::{BENCH, run_over};
use crate::contest::{Contest, Measured, p50, time};
use crate::disk::SyncedFile;
use crate::instance::Instance;
use crate::lab::Lab;
use crate::local;
use crate::report::Report;
use crate::ssh::Master;
use crate::unit::Unit;

const ROUNDS: usize = 500;
/// A connection of its own takes a hundred times as long as anything else here.
const FRESH_EVERY: usize = 10;
/// The server is still busy with the end of such a connection when its client has ended.
const FRESH_REST: Duration = Duration::from_millis(20);
/// What SQLite syncs at the least: one page and its frame in the write-ahead log.
const PAGE_BYTES: usize = 4096 + 24;

const LOCAL: &str = "sh -c true, local";
const EXEC: &str = "exec of true";
const KEPT: &str = "ssh, kept master connection";

/// An answered command.
pub(super) struct Answer {
    pub(super) operation: String,
    /// As its client saw it.
    pub(super) seconds: f64,
}

/// Measures and judges; answers every command that was run.
pub(super) fn run(
    lab: &Lab,
    runtime: &Runtime,
    instance: &Instance,
    master: &Result<Master<'_>>,
    report: &mut Report,
) -> Result<Vec<Answer>> {
    let answers = RefCell::new(Vec::new());
    let request = instance.exec("true")?;
    let mut connection = instance.connect()?;
    let liveness = instance.liveness()?;
    let mut idle_connection = instance.connect()?;
    let commits = runtime.block_on(Commits::create(&lab.scratch.new_path("commits")))?;
    let mut file = SyncedFile::create(&lab.scratch.new_path("page"), PAGE_BYTES)?;

    let mut contest = Contest::default();
    contest.add_timed(LOCAL, local::run_true);
    contest.add(EXEC, Unit::Seconds, || {
        let mut operation = String::new();
        let seconds = time(|| {
            operation = connection.exec(&request)?.operation_id;
            Ok(())
        })?;
        answers.borrow_mut().push(Answer { operation, seconds });
        Ok(seconds)
    });
    contest.add_timed(KEPT, || run_over(master));
    contest.add_rarely(FRESH_EVERY, "ssh, fresh connection", Unit::Seconds, || {
        let seconds = time(|| lab.ssh()?.run("true"))?;
        sleep(FRESH_REST);
        Ok(seconds)
    });
    contest.add_timed("one write + fdatasync, 4 KiB", || file.append());
    contest.add_timed("HTTP alone (GET /healthz)", || {
        idle_connection.send(&liveness).map(drop)
    });
    contest.add("server look-up, the store alone", Unit::Seconds, || {
        runtime.block_on(commits.look_up())
    });
    contest.add("intent commit, the store alone", Unit::Seconds, || {
        runtime.block_on(commits.intent())
    });
    contest.add("outcome commit, the store alone", Unit::Seconds, || {
        runtime.block_on(commits.outcome())
    });
    let measured = contest.run(lab.samples(ROUNDS));
    judge(&measured, report);
    report.take(BENCH, measured, LOCAL);
    runtime.block_on(commits.close());
    Ok(answers.into_inner())
}

fn judge(measured: &[Measured], report: &mut Report) {
    let exec = p50(measured, EXEC);
    let verdict = exec.zip(p50(measured, LOCAL)).map(|(exec, local)| {
        let (times, exec, local) = (exec / local, show(exec), show(local));
        (format!("{times:.2} × ({exec} / {local})"), times <= 3.0)
    });
    report.bar(BENCH, "exec of true, p50 ≤ 3 × a local sh -c true", verdict);
    let verdict = exec.zip(p50(measured, KEPT)).map(|(exec, kept)| {
        let (times, exec, kept) = (kept / exec, show(exec), show(kept));
        (format!("{times:.2} × ({kept} / {exec})"), times >= 4.0)
    });
    let bar = "exec of true ≥ 4 × faster than ssh over a kept master, p50";
    report.bar(BENCH, bar, verdict);
}

fn show(seconds: f64) -> String {
    Unit::Seconds.format(seconds)
}
