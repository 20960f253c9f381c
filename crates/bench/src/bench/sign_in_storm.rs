//! Running a command while strangers guess passwords.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use crate::contest::{Contest, p50, time};
use crate::http::{Connection, Request};
use crate::instance::Instance;
use crate::lab::Lab;
use crate::report::Report;
use crate::samples::Samples;
use crate::unit::Unit;

const BENCH: &str = "sign_in_storm";
const ROUNDS: usize = 20;
/// Commands in one sample.
const COMMANDS: usize = 20;
const GUESSERS: usize = 32;
/// Each guess hangs up after this, as the worst of them do.
const HANG_UP: Duration = Duration::from_millis(30);
const BAR: f64 = 2.0;

const ALONE: &str = "exec of true, alone";
const BESIDE: &str = "exec of true, beside 32 who guess passwords";

pub(super) fn run(lab: &Lab, report: &mut Report) -> Result<()> {
    let instance = lab.start()?;
    let mut contest = Contest::default();
    contest.add(ALONE, Unit::Seconds, || commands(&instance));
    contest.add(BESIDE, Unit::Seconds, || beside_guesses(&instance));
    let measured = contest.run(lab.samples(ROUNDS));
    let times = p50(&measured, BESIDE).zip(p50(&measured, ALONE));
    let verdict = times.map(|(beside, alone)| {
        let times = beside / alone;
        (format!("{times:.2} ×"), times <= BAR)
    });
    report.bar(
        BENCH,
        "exec beside a storm of sign-ins, p50 ≤ 2 × alone",
        verdict,
    );
    report.take(BENCH, measured, ALONE);
    instance.stop();
    Ok(())
}

/// The median of some commands.
fn commands(instance: &Instance) -> Result<f64> {
    let request = instance.exec("true")?;
    let mut connection = instance.connect()?;
    let mut samples = Samples::default();
    for _ in 0..COMMANDS {
        samples.push(time(|| connection.exec(&request).map(drop))?);
    }
    samples.p50().context("no commands")
}

fn beside_guesses(instance: &Instance) -> Result<f64> {
    let address = instance.address()?;
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for guesser in 0..GUESSERS {
            let over = &over;
            scope.spawn(move || guess(address, guesser, over));
        }
        let median = commands(instance);
        over.store(true, Ordering::Relaxed);
        median
    })
}

/// Guesses on accounts that there are not, each once, until it is over.
fn guess(address: &str, guesser: usize, over: &AtomicBool) {
    let mut number = 0;
    while !over.load(Ordering::Relaxed) {
        number += 1;
        let account = format!("{guesser}-{number}@example.com");
        let body = json!({ "email": account, "password": "correct horse battery" }).to_string();
        let guess = Request::post(address, "/api/auth/sign-in", "none", &body);
        // Whatever is answered, and whether it is.
        if let Ok(connection) = Connection::open(address) {
            let _ = connection.send_and_leave(&guess, HANG_UP);
        }
    }
}
