//! Running `true` on a PostgreSQL, with one key for all callers and with a key for each.

mod served;
mod server;

use anyhow::Result;

use super::exec::all_at_once;
use crate::contest::{Contest, p50};
use crate::lab::Lab;
use crate::report::Report;
use crate::unit::Unit;

use served::Served;
use server::Server;

const BENCH: &str = "postgres";
const ROUNDS: usize = 8;
/// Commands that are run one after the other.
const COMMANDS: usize = 200;
/// As many as there are callers.
const KEYS: usize = 32;
/// What callers with one key may do at least, in terms of those with one each.
const BAR: f64 = 0.8;

const ALONE: &str = "exec of true";
const ONE: &str = "exec of true, 32 at a time, one key";
const MANY: &str = "exec of true, 32 at a time, 32 keys";

pub(super) fn run(lab: &Lab, report: &mut Report) -> Result<()> {
    let server = Server::new(lab.postgres()?)?;
    // Ends before its database does.
    let served = Served::start(lab, &server, KEYS)?;
    one_at_a_time(lab, &served, report)?;
    let mut contest = Contest::default();
    contest.add(ONE, Unit::PerSecond, || throughput(&served, |_| 0));
    contest.add(MANY, Unit::PerSecond, || {
        throughput(&served, |caller| caller % KEYS)
    });
    let measured = contest.run(lab.samples(ROUNDS));
    let ratio = p50(&measured, ONE).zip(p50(&measured, MANY));
    let verdict = ratio.map(|(one, many)| {
        let ratio = one / many;
        (format!("{ratio:.2} ×"), ratio >= BAR)
    });
    let bar = "exec with one key, per second ≥ 0.8 × with 32 keys";
    report.bar(BENCH, bar, verdict);
    report.take(BENCH, measured, MANY);
    Ok(())
}

fn one_at_a_time(lab: &Lab, served: &Served, report: &mut Report) -> Result<()> {
    let request = served.exec(0)?;
    let mut connection = served.connect()?;
    let mut contest = Contest::default();
    contest.add_timed(ALONE, || connection.exec(&request).map(drop));
    report.take(BENCH, contest.run(lab.samples(COMMANDS)), ALONE);
    Ok(())
}

/// `key` says which key a caller has.
fn throughput(served: &Served, key: impl Fn(usize) -> usize + Sync) -> Result<f64> {
    all_at_once(|caller| {
        let request = served.exec(key(caller))?;
        let mut connection = served.connect()?;
        Ok(move || connection.exec(&request).map(drop))
    })
}
