//! Ten thousand runners that have nothing to do: what they cost the control plane, what an exec on
//! a real runner costs beside them, and how long they take to come back after a crash.

mod enrolment;

use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use crate::contest::{Contest, Measured, p50};
use crate::fleet::Fleet;
use crate::http::{Connection, Request};
use crate::instance::{Instance, Setup};
use crate::lab::{Lab, runtime};
use crate::local;
use crate::memory::Memory;
use crate::ports;
use crate::processor;
use crate::report::Report;
use crate::unit::{Unit, number};

const BENCH: &str = "idle_runners";
const RUNNERS: usize = 10_000;
const ROUNDS: usize = 300;
const BAR_BYTES: f64 = 1e9;

/// After a start, and after the runners have connected: they are asked how they are every ten
/// seconds, and what they say is stored every minute.
const REST: Duration = Duration::from_secs(5);
const LONG_REST: Duration = Duration::from_secs(75);
/// How long the processor is watched: one storing at least.
const WATCH: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_mins(5);

const BAR_EXEC: f64 = 1.5;
const LOCAL: &str = "sh -c true, local";
const EXEC: &str = "exec of true";
const ALONE: &str = "no other runner";

pub(super) fn run(lab: &Lab, report: &mut Report) -> Result<()> {
    let count = lab.samples(RUNNERS);
    let [port, metrics_port] = ports::free()?;
    let mut instance = Instance::start_unlimited(&Setup {
        port,
        metrics_port: Some(metrics_port),
        ..lab.setup()?
    })?;
    let (data_dir, address) = (
        instance.data_dir().to_owned(),
        instance.address()?.to_owned(),
    );
    let organization = instance.organization().parse()?;
    let mut roster = None;
    instance.pause(|| {
        let enrolled = enrolment::enrol(&data_dir, &address, organization, count);
        roster = Some(runtime()?.block_on(enrolled)?);
        Ok(())
    })?;
    let roster = roster.context("nobody was enrolled")?;
    sleep(REST);

    let before = resident(&instance)?;
    let all = format!("{count} runners");
    let mut measured = exec(lab, &instance, ALONE)?;
    let begin = Instant::now();
    let fleet = Fleet::start(&roster, &lab.scratch.new_path("fleet"))?;
    let connected = wait_for(&instance.metrics()?, count + 1, begin)?;
    sleep(LONG_REST);
    let share = processor::share(instance.process("up")?.pid, WATCH)?;
    measured.extend(exec(lab, &instance, &all)?);
    let with = resident(&instance)?;
    let (ready, back) = come_back(&mut instance, count + 1)?;
    sleep(LONG_REST);
    let later = resident(&instance)?;
    drop(fleet);

    take_exec(measured, &all, report);
    let bytes = |what: String, bytes| figure(what, Unit::Bytes, bytes);
    let seconds = |what: String, seconds| figure(what, Unit::Seconds, seconds);
    let figures = vec![
        bytes(format!("control plane, {ALONE}"), before),
        bytes(format!("control plane, {all}"), with),
        bytes(
            "the same, for each of them".to_owned(),
            (with - before) / number(count),
        ),
        bytes(format!("control plane, {all}, after a crash"), later),
        figure(format!("share of one processor, {all}"), Unit::Share, share),
        seconds(
            format!("until {all} are connected for the first time"),
            connected,
        ),
        seconds("kill -9 and start, until the ready line".to_owned(), ready),
        seconds(format!("kill -9 and start, until {all} are back"), back),
    ];
    report.take(BENCH, figures, "");
    let most = with.max(later);
    let verdict = (Unit::Bytes.format(most), most < BAR_BYTES);
    let bar = format!("{all}, idle, control plane < 1 GB resident");
    report.bar(BENCH, &bar, Some(verdict));
    instance.stop();
    Ok(())
}

fn resident(instance: &Instance) -> Result<f64> {
    Ok(Memory::of(instance.process("up")?.pid)?.resident)
}

/// Commands on the one real runner beside `who`, and local ones in turn.
fn exec(lab: &Lab, instance: &Instance, who: &str) -> Result<Vec<Measured>> {
    let request = instance.exec("true")?;
    let mut connection = instance.connect()?;
    let mut contest = Contest::default();
    contest.add_timed(format!("{LOCAL}, {who}"), local::run_true);
    contest.add_timed(format!("{EXEC}, {who}"), || {
        connection.exec(&request).map(drop)
    });
    Ok(contest.run(lab.samples(ROUNDS)))
}

fn take_exec(measured: Vec<Measured>, all: &str, report: &mut Report) {
    let ratio = |who: &str| {
        let median = |what| p50(&measured, &format!("{what}, {who}"));
        Some(median(EXEC)? / median(LOCAL)?)
    };
    let verdict = ratio(ALONE).zip(ratio(all)).map(|(alone, among)| {
        let text = format!("{:.2} × ({among:.2} / {alone:.2})", among / alone);
        (text, among / alone <= BAR_EXEC)
    });
    let bar = "exec beside them ≤ 1.5 × alone, each in terms of a local sh -c true";
    report.bar(BENCH, bar, verdict);
    report.take(BENCH, measured, &format!("{EXEC}, {ALONE}"));
}

fn figure(what: String, unit: Unit, value: f64) -> Measured {
    Measured {
        what,
        unit,
        samples: [value].into_iter().collect(),
        failure: None,
    }
}

/// Kills the control plane and starts it again. Answers the seconds from the start to the ready
/// line, and to the moment when so many runners are connected.
fn come_back(instance: &mut Instance, connected: usize) -> Result<(f64, f64)> {
    let metrics = instance.metrics()?;
    instance.kill()?;
    let begin = Instant::now();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| wait_for(&metrics, connected, begin));
        instance.start_again()?;
        let ready = begin.elapsed().as_secs_f64();
        let back = waiting.join().map_err(|_| anyhow!("waiting panicked"))??;
        Ok((ready, back))
    })
}

/// The seconds from `begin` until so many runners are connected.
fn wait_for(metrics: &str, connected: usize, begin: Instant) -> Result<f64> {
    let request = Request::get(metrics, "/metrics", None);
    let mut last = 0;
    while begin.elapsed() < PATIENCE {
        let answer = Connection::open(metrics).and_then(|mut one| one.send(&request));
        if let Some(now) = answer.ok().and_then(|answer| connected_runners(&answer)) {
            last = now;
        }
        if last >= connected {
            return Ok(begin.elapsed().as_secs_f64());
        }
        sleep(POLL);
    }
    bail!("only {last} of {connected} runners are connected");
}

fn connected_runners(metrics: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(metrics).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("reoclo_connected_runners "))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_runners_stands_behind_its_name() {
        let text = b"# HELP reoclo_connected_runners Runners.\nreoclo_connected_runners 12\n";
        assert_eq!(connected_runners(text), Some(12));
        assert_eq!(
            connected_runners(b"reoclo_connected_runners_total 12\n"),
            None
        );
    }
}
