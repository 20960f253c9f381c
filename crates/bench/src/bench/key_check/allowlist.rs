//! Checking a key with ten thousand networks in its allowlist beside one with two.

use anyhow::Result;
use tokio::runtime::Runtime;

use super::keys::{InUse, Keys};
use super::{CHECKS, FLAT, ROUNDS};
use crate::contest::{Contest, p50};
use crate::lab::Lab;
use crate::report::Report;
use crate::unit::Unit;

const BENCH: &str = "key_check";
const KEYS: usize = 10;
const FEW: usize = 2;
const MANY: usize = 10_000;

pub(super) fn run(lab: &Lab, runtime: &Runtime, report: &mut Report) -> Result<()> {
    let mut stored = Vec::new();
    for networks in [FEW, MANY] {
        let directory = lab.scratch.new_path("keys");
        let keys = runtime.block_on(Keys::create(&directory, KEYS, networks))?;
        stored.push((networks, keys));
    }
    let mut contest = Contest::default();
    for (networks, keys) in &stored {
        contest.add(what(*networks), Unit::Seconds, move || {
            runtime.block_on(keys.check_automation(InUse::All, CHECKS))
        });
    }
    let measured = contest.run(lab.samples(ROUNDS));
    let growth = p50(&measured, &what(MANY)).zip(p50(&measured, &what(FEW)));
    let verdict = growth.map(|(many, few)| {
        let growth = many / few;
        (format!("{growth:.2} ×"), growth <= FLAT)
    });
    let bar = "flat (≤ 2 ×) from 2 to 10,000 networks in a key's allowlist";
    report.bar(BENCH, bar, verdict);
    report.take(BENCH, measured, &what(FEW));
    for (_, keys) in stored {
        runtime.block_on(keys.close());
    }
    Ok(())
}

fn what(networks: usize) -> String {
    format!("automation key with {networks} networks")
}
