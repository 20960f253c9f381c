//! Faults at random moments, over thousands of operations, with fixed seeds.
//!
//! The control plane and the runner are killed, alone and together, and the link between them is
//! cut, slowed, silenced, left half open, ended in one direction, and delivered long after, while
//! many callers run commands, and while starts reach the supervisor twice, out of order and once
//! more when they are long done. Whatever was acknowledged ends with its right exit code and its
//! whole output; nothing runs twice; nothing is said to run for ever; the audit log verifies; and
//! the runner is back soon after the last fault.

mod callers;
mod meddler;
mod storm;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use crate::fixture::{Database, Home};
use callers::{Called, Work};
use meddler::Meddler;
use storm::Storm;

const OPERATIONS: usize = 1_000;
const FAULTS: usize = 40;

/// How often each command ran, as the commands themselves wrote it down.
fn runs(ledger: &Path) -> HashMap<usize, usize> {
    let mut runs = HashMap::new();
    for line in fs::read_to_string(ledger).unwrap().lines() {
        *runs.entry(line.parse().unwrap()).or_default() += 1;
    }
    runs
}

fn nothing_is_lost_and_nothing_runs_twice(seed: u64, database: Option<&str>) {
    let home = Home::with_timing(&[
        ("inline_wait", 0.5),
        ("keepalive_every", 1.0),
        ("keepalive_timeout", 1.0),
    ]);
    let mut storm = Storm::begin(&home, seed, database);
    let meddler = Meddler::between(&home.path("web"), seed);
    let ledger = home.path("ledger");
    let work = Work::new(OPERATIONS, seed, &ledger);
    let callers = work.call(&storm.key());
    for number in 1..=FAULTS {
        work.wait_for(number * OPERATIONS / (FAULTS + 1));
        storm.strike();
    }
    storm.calm();
    storm.is_over();
    let called: Vec<_> = callers
        .into_iter()
        .flat_map(|caller| caller.join().unwrap())
        .collect();

    let runs = runs(&ledger);
    assert_eq!(called.len(), OPERATIONS);
    let mut acknowledged = 0;
    for (number, called) in called {
        let times = runs.get(&number).copied().unwrap_or(0);
        match called {
            Called::Ended(ended) => {
                acknowledged += 1;
                work.expect(number, &ended, times);
            }
            // Nobody was told that it is accepted: it may have run, and not more than once.
            Called::Unanswered => assert!(times <= 1, "{number} ran {times} times"),
        }
    }
    assert!(acknowledged > OPERATIONS / 2, "{acknowledged}");
    let meddled = meddler.meddled();
    assert!(meddled.iter().all(|times| *times > 20), "{meddled:?}");
    let mut stored = match database {
        Some(url) => Database::at(url),
        None => Database::of(&home.data()),
    };
    let running = "SELECT COUNT(*) FROM operations WHERE state = 'running'";
    crate::fixture::wait_until("nothing runs any more", || stored.number(running) == 0);
    let source: Vec<_> = database
        .iter()
        .flat_map(|url| ["--database-url", url])
        .collect();
    let verified = home.audit("verify", &source);
    assert_eq!(verified.code, Some(0), "{}", verified.stderr);
}

#[test]
fn starts_that_come_twice_and_out_of_order_run_once() {
    let home = Home::with_timing(&[("inline_wait", 0.5)]);
    let mut storm = Storm::begin(&home, 4, None);
    let meddler = Meddler::between(&home.path("web"), 4);
    // The next connection of the runner goes through it.
    storm.kill_runner();
    let ledger = home.path("ledger");
    let work = Work::new(OPERATIONS, 4, &ledger);
    let callers = work.call(&storm.key());
    let called = callers
        .into_iter()
        .flat_map(|caller| caller.join().unwrap());
    let called: Vec<_> = called.collect();
    let runs = runs(&ledger);
    assert_eq!(called.len(), OPERATIONS);
    for (number, called) in called {
        let Called::Ended(ended) = called else {
            panic!("{number} was not answered");
        };
        let times = runs.get(&number).copied().unwrap_or(0);
        work.expect(number, &ended, times);
    }
    let meddled = meddler.meddled();
    assert!(meddled.iter().all(|times| *times > 20), "{meddled:?}");
}

#[test]
fn a_storm_of_faults_loses_nothing_seed_1() {
    nothing_is_lost_and_nothing_runs_twice(1, None);
}

#[test]
fn a_storm_of_faults_loses_nothing_seed_2() {
    nothing_is_lost_and_nothing_runs_twice(2, None);
}

#[test]
fn a_storm_of_faults_loses_nothing_on_postgres() {
    let (_database, url) = crate::postgres::fresh();
    nothing_is_lost_and_nothing_runs_twice(3, Some(&url));
}
