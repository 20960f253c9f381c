//! Checking a key, from its text to the proof of permission, with few and with many keys stored.

mod allowlist;
mod beside_changes;
mod keys;

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result};
use ring::digest::{SHA256, digest};
use tokio::runtime::Runtime;

use crate::contest::{Contest, Measured, p50};
use crate::lab::{Lab, runtime};
use crate::report::Report;
use crate::unit::{Unit, number};

use keys::{InUse, Keys};

const BENCH: &str = "key_check";
const ROUNDS: usize = 400;
/// Checks in one sample.
const CHECKS: usize = 500;
/// Entries of each automation key's allowlist.
const NETWORKS: usize = 2;
const SIZES: [usize; 3] = [10, 10_000, 100_000];
const BAR_SECONDS: f64 = 5e-6;
/// More than this between the fewest and the most keys is not flat.
const FLAT: f64 = 2.0;

const HASH: &str = "SHA-256 of the token alone";
const INTEGRATION: &str = "integration key for servers:read";
const AUTOMATION: &str = "automation key for exec";

pub(super) fn run(lab: &Lab, report: &mut Report) -> Result<()> {
    let runtime = runtime()?;
    let mut stored = Vec::new();
    for size in SIZES {
        let directory = lab.scratch.new_path("keys");
        stored.push(runtime.block_on(Keys::create(&directory, size, NETWORKS))?);
    }
    let measured = contest(&stored, &runtime).run(lab.samples(ROUNDS));
    judge(&measured, report);
    report.take(BENCH, measured, HASH);
    for keys in stored {
        runtime.block_on(keys.close());
    }
    allowlist::run(lab, &runtime, report)?;
    beside_changes::run(lab, &runtime, report)
}

fn contest<'a>(stored: &'a [Keys], runtime: &'a Runtime) -> Contest<'a> {
    let mut contest = Contest::default();
    contest.add(HASH, Unit::Seconds, || {
        let token = stored.first().context("no keys")?.any_token();
        let start = Instant::now();
        for _ in 0..CHECKS {
            black_box(digest(&SHA256, black_box(token.as_bytes())));
        }
        Ok(start.elapsed().as_secs_f64() / number(CHECKS))
    });
    for in_use in [InUse::Ten, InUse::All] {
        for keys in stored {
            let what = what(INTEGRATION, in_use, keys.count());
            contest.add(what, Unit::Seconds, move || {
                runtime.block_on(keys.check_integration(in_use, CHECKS))
            });
            let what = self::what(AUTOMATION, in_use, keys.count());
            contest.add(what, Unit::Seconds, move || {
                runtime.block_on(keys.check_automation(in_use, CHECKS))
            });
        }
    }
    contest
}

fn what(kind: &str, in_use: InUse, stored: usize) -> String {
    match in_use {
        InUse::Ten => format!("{kind}, 10 of {stored} in use"),
        InUse::All => format!("{kind}, all of {stored} in use"),
    }
}

fn judge(measured: &[Measured], report: &mut Report) {
    let checks = measured.iter().filter(|one| one.what != HASH);
    let medians: Option<Vec<f64>> = checks.map(|one| one.samples.p50()).collect();
    let worst = medians.map(|all| all.into_iter().fold(0.0, f64::max));
    let verdict = worst.map(|worst| (Unit::Seconds.format(worst), worst < BAR_SECONDS));
    report.bar(BENCH, "checking a key < 5 µs, p50 of the slowest", verdict);
    for (in_use, name) in [(InUse::Ten, "the same 10"), (InUse::All, "all of them")] {
        let growth = |kind| growth(measured, kind, in_use);
        let verdict = growth(INTEGRATION).zip(growth(AUTOMATION));
        let verdict = verdict.map(|(integration, automation)| {
            let text = format!("{integration:.2} × and {automation:.2} ×");
            (text, integration.max(automation) <= FLAT)
        });
        let bar = format!("flat (≤ 2 ×) from 10 to 100,000 keys stored, {name} in use");
        report.bar(BENCH, &bar, verdict);
    }
}

/// The time with the most keys in terms of that with the fewest.
fn growth(measured: &[Measured], kind: &str, in_use: InUse) -> Option<f64> {
    let median = |stored| p50(measured, &what(kind, in_use, stored));
    Some(median(*SIZES.last()?)? / median(*SIZES.first()?)?)
}
