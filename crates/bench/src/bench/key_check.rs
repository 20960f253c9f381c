//! Checking a key, from its text to the proof of permission, with few and with many keys stored.
//!
//! Every key that is stored is used, in an order that caches do not foresee.

mod keys;

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result};
use ring::digest::{SHA256, digest};
use tokio::runtime::Runtime;

use crate::contest::{Contest, p50};
use crate::lab::{Lab, runtime};
use crate::report::Report;
use crate::unit::{Unit, number};

use keys::Keys;

const BENCH: &str = "key_check";
const ROUNDS: usize = 200;
/// Checks in one sample.
const CHECKS: usize = 2000;
const SIZES: [usize; 3] = [10, 10_000, 100_000];
const BAR_SECONDS: f64 = 5e-6;
/// More than this between the fewest and the most keys is not flat.
const FLAT: f64 = 2.0;

const HASH: &str = "SHA-256 of the token alone";

pub(super) fn run(lab: &Lab, report: &mut Report) -> Result<()> {
    let runtime = runtime()?;
    let mut stored = Vec::new();
    for size in SIZES {
        let directory = lab.scratch.new_path("keys");
        stored.push(runtime.block_on(Keys::create(&directory, size))?);
    }
    let measured = contest(&stored, &runtime).run(lab.samples(ROUNDS));
    let medians: Vec<_> = SIZES
        .map(|size| kinds(size).map(|what| p50(&measured, &what)))
        .into();
    report.take(BENCH, measured, HASH);
    judge(&medians, report);
    for keys in stored {
        runtime.block_on(keys.close());
    }
    Ok(())
}

/// What is measured with so many keys, in the order of [`Keys`]' methods.
fn kinds(size: usize) -> [String; 2] {
    [
        format!("integration key, servers:read, {size} keys"),
        format!("automation key, exec, IP allowlist, {size} keys"),
    ]
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
    for keys in stored {
        let [integration, automation] = kinds(keys.count());
        contest.add(integration, Unit::Seconds, || {
            runtime.block_on(keys.check_integration(CHECKS))
        });
        contest.add(automation, Unit::Seconds, || {
            runtime.block_on(keys.check_automation(CHECKS))
        });
    }
    contest
}

fn judge(medians: &[[Option<f64>; 2]], report: &mut Report) {
    let all: Option<Vec<f64>> = medians.iter().flatten().copied().collect();
    let worst = all.map(|all| all.into_iter().fold(0.0, f64::max));
    let verdict = worst.map(|worst| (Unit::Seconds.format(worst), worst < BAR_SECONDS));
    report.bar(BENCH, "checking a key < 5 µs, worst p50", verdict);
    let growth = |kind: usize| Some(medians.last()?[kind]? / medians.first()?[kind]?);
    let growth = growth(0).zip(growth(1));
    let verdict = growth.map(|(integration, automation)| {
        let measured = format!("{integration:.2} × and {automation:.2} ×");
        (measured, integration.max(automation) <= FLAT)
    });
    report.bar(BENCH, "flat from 10 to 100,000 keys: at most 2 ×", verdict);
}
