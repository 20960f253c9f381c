//! Much output from one command, and what it costs in memory.
//!
//! SSH hands on every byte. The supervisor of an exec drops the middle of what the control plane
//! is too slow for, so what crossed the link is counted.

use std::cell::RefCell;

use anyhow::{Result, anyhow};

use crate::contest::{Contest, Measured, p50, time};
use crate::lab::Lab;
use crate::local;
use crate::loopback;
use crate::memory::{self, Memory};
use crate::report::Report;
use crate::samples::Samples;
use crate::unit::{Unit, number};

const BENCH: &str = "stream";
const ROUNDS: usize = 10;
const BYTES: usize = 64 << 20;

const LOCAL: &str = "local, through a pipe";
const EXEC: &str = "exec";
const KEPT: &str = "ssh, kept master connection";

pub(super) fn run(lab: &Lab, report: &mut Report) -> Result<()> {
    let instance = lab.start()?;
    let master = lab
        .ssh()
        .and_then(|ssh| ssh.keep(lab.scratch.new_path("ssh")));
    let command = format!("head -c {BYTES} /dev/zero");
    let request = instance.exec(&command)?;
    let mut connection = instance.connect()?;
    let roles = ["up", "runner", "supervisor"];
    let pids: Vec<_> = roles
        .iter()
        .map(|role| Ok(instance.process(role)?.pid))
        .collect::<Result<_>>()?;
    for pid in &pids {
        memory::forget_peak(*pid)?;
    }

    let crossed = RefCell::new(Samples::default());
    let mut contest = Contest::default();
    contest.add(LOCAL, Unit::BytesPerSecond, || {
        speed(|| local::read_output(&command))
    });
    contest.add(EXEC, Unit::BytesPerSecond, || {
        let before = loopback::bytes()?;
        let speed = speed(|| connection.exec(&request).map(drop))?;
        let bytes = loopback::bytes()?.saturating_sub(before);
        crossed.borrow_mut().push(number(bytes));
        Ok(speed)
    });
    contest.add(KEPT, Unit::BytesPerSecond, || {
        let master = master.as_ref().map_err(|error| anyhow!("{error:#}"))?;
        speed(|| master.read_output(&command))
    });
    let measured = contest.run(lab.samples(ROUNDS));
    judge(&measured, report);
    report.take(BENCH, measured, LOCAL);
    let crossed = (
        "exec, what crossed loopback of 64 MiB".into(),
        crossed.into_inner(),
    );
    let mut figures = vec![crossed];
    for (role, pid) in roles.iter().zip(pids) {
        let peak = [Memory::of(pid)?.peak];
        let what = format!("most memory of reoclo {role}");
        figures.push((what, peak.into_iter().collect()));
    }
    let figures = figures.into_iter().map(|(what, samples)| Measured {
        what,
        unit: Unit::Bytes,
        samples,
        failure: None,
    });
    report.take(BENCH, figures.collect(), "");
    instance.stop();
    Ok(())
}

fn speed(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    Ok(number(BYTES) / time(work)?)
}

fn judge(measured: &[Measured], report: &mut Report) {
    let verdict = p50(measured, EXEC)
        .zip(p50(measured, KEPT))
        .map(|(exec, kept)| {
            let show = |speed| Unit::BytesPerSecond.format(speed);
            let text = format!("{:.2} × ({} / {})", exec / kept, show(exec), show(kept));
            (text, exec > kept)
        });
    report.bar(BENCH, "64 MiB of output faster than ssh, p50", verdict);
}
