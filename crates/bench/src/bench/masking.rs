//! What hiding secrets in output costs, the command itself and another one beside it.
//!
//! A request brings at most 64 KiB of variables, which 200 secrets share; 200 secrets of 4 KiB are
//! hidden in this process.

use std::cell::RefCell;
use std::thread;

use anyhow::{Result, anyhow};
use reoclo_domain::masking::{Masker, Patterns};
use serde_json::{Map, Value, json};

use crate::contest::{Contest, Measured, p50, time};
use crate::http::{Connection, Request};
use crate::instance::Instance;
use crate::lab::Lab;
use crate::report::Report;
use crate::samples::Samples;
use crate::unit::{Unit, number};

const BENCH: &str = "masking";

const SECRETS: usize = 200;
const OUTPUT: usize = 1 << 30;
const ROUNDS: usize = 3;
/// As much as the supervisor reads at once.
const CHUNK: usize = 64 * 1024;
const IN_MEMORY: usize = 256 << 20;

const PLAIN: &str = "exec, 1 GiB, no secrets";
const MASKED: &str = "exec, 1 GiB, 200 secrets of 300 bytes";
const BESIDE_PLAIN: &str = "exec of `true`, p50 beside 1 GiB without secrets";
const BESIDE_MASKED: &str = "exec of `true`, p50 beside 1 GiB with 200 secrets";
const MEMORY_PLAIN: &str = "in memory, 256 MiB, no secrets";
const MEMORY_MASKED: &str = "in memory, 256 MiB, 200 secrets of 4 KiB";

pub(super) fn run(lab: &Lab, report: &mut Report) -> Result<()> {
    let instance = lab.start()?;
    let line = "2026-01-01T00:00:00Z INFO build step 17 of 42: compiled module, nothing to see";
    let output = format!("{line}\n").repeat(CHUNK / line.len());
    let command = format!("yes '{line}' | head -c {OUTPUT}");
    let plain = instance.exec(&command)?;
    let masked = instance.exec_with(&command, &variables(300))?;
    let small = instance.exec("true")?;
    let (beside_plain, beside_masked) = (RefCell::default(), RefCell::default());

    let mut contest = Contest::default();
    contest.add(PLAIN, Unit::BytesPerSecond, || {
        beside(&instance, &plain, &small, &beside_plain)
    });
    contest.add(MASKED, Unit::BytesPerSecond, || {
        beside(&instance, &masked, &small, &beside_masked)
    });
    contest.add(MEMORY_PLAIN, Unit::BytesPerSecond, || in_memory(&output, 0));
    contest.add(MEMORY_MASKED, Unit::BytesPerSecond, || {
        in_memory(&output, 4096)
    });
    let mut measured = contest.run(lab.samples(ROUNDS));
    for (what, samples) in [(BESIDE_PLAIN, beside_plain), (BESIDE_MASKED, beside_masked)] {
        measured.push(Measured {
            what: what.to_owned(),
            unit: Unit::Seconds,
            samples: samples.into_inner(),
            failure: None,
        });
    }
    judge(&measured, report);
    report.take(BENCH, measured, PLAIN);
    instance.stop();
    Ok(())
}

/// Secrets as keys and tokens are, all different.
fn secret(number: usize, len: usize) -> String {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(number as u64 + 1);
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(letters[usize::try_from(state % 64).unwrap_or(0)])
    };
    (0..len).map(|_| next()).collect()
}

fn variables(len: usize) -> Value {
    let variables = (0..SECRETS).map(|number| {
        let name = format!("TOKEN_{number}");
        (name, json!(secret(number, len)))
    });
    Value::Object(variables.collect::<Map<_, _>>())
}

/// The speed of the large command, with small ones all the while.
fn beside(
    instance: &Instance,
    large: &Request,
    small: &Request,
    samples: &RefCell<Samples>,
) -> Result<f64> {
    let (mut own, mut other) = (instance.connect()?, instance.connect()?);
    thread::scope(|scope| {
        let large = scope.spawn(move || time(|| own.exec(large).map(drop)));
        while !large.is_finished() {
            let seconds = timed(&mut other, small)?;
            samples.borrow_mut().push(seconds);
        }
        let seconds = large.join().map_err(|_| anyhow!("the large command"))??;
        Ok(number(OUTPUT) / seconds)
    })
}

fn timed(connection: &mut Connection, request: &Request) -> Result<f64> {
    time(|| connection.exec(request).map(drop))
}

fn in_memory(output: &str, secret_len: usize) -> Result<f64> {
    let secrets: Vec<String> = (0..SECRETS).map(|of| secret(of, secret_len)).collect();
    let chunk = output.as_bytes();
    let mut passed = 0;
    let seconds = time(|| {
        let mut masker = Masker::new(Patterns::new(secrets.iter().map(String::as_bytes)));
        for _ in 0..IN_MEMORY / chunk.len() {
            masker.push(chunk.to_vec().into(), |piece| passed += piece.len());
        }
        masker.finish(|piece| passed += piece.len());
        Ok(())
    })?;
    anyhow::ensure!(passed == IN_MEMORY / chunk.len() * chunk.len());
    Ok(number(passed) / seconds)
}

fn judge(measured: &[Measured], report: &mut Report) {
    let ratio = |what: &str, beside: &str| p50(measured, what).zip(p50(measured, beside));
    let speed = ratio(MASKED, PLAIN).map(|(masked, plain)| {
        let text = format!("{:.2} × of the speed without", masked / plain);
        (text, masked >= plain * 0.5)
    });
    report.bar(
        BENCH,
        "1 GiB with 200 secrets at half the speed or more, p50",
        speed,
    );
    let other = ratio(BESIDE_MASKED, BESIDE_PLAIN).map(|(masked, plain)| {
        let text = format!("{:.2} × beside the same without", masked / plain);
        (text, masked <= plain * 1.2)
    });
    report.bar(BENCH, "another exec at 1.2 × or less, p50", other);
}
