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

/// How much one command writes.
struct Size {
    bytes: usize,
    name: &'static str,
    rounds: usize,
}

impl Size {
    /// What was measured, told apart from the same with another size.
    fn of(&self, what: &str) -> String {
        format!("{what}, {}", self.name)
    }
}

/// One whose full log is a large part of it, and the one that the bar is about.
const SIZES: [Size; 2] = [
    Size {
        bytes: 64 << 20,
        name: "64 MiB",
        rounds: 10,
    },
    Size {
        bytes: 1 << 30,
        name: "1 GiB",
        rounds: 5,
    },
];

const LOCAL: &str = "local, through a pipe";
const EXEC: &str = "exec";
const KEPT: &str = "ssh, kept master connection";

pub(super) fn run(lab: &Lab, report: &mut Report) -> Result<()> {
    SIZES
        .iter()
        .try_for_each(|size| run_size(lab, report, size))
}

fn run_size(lab: &Lab, report: &mut Report, size: &Size) -> Result<()> {
    let instance = lab.start()?;
    let master = lab
        .ssh()
        .and_then(|ssh| ssh.keep(lab.scratch.new_path("ssh")));
    let command = format!("head -c {} /dev/zero", size.bytes);
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
    contest.add(size.of(LOCAL), Unit::BytesPerSecond, || {
        speed(size, || local::read_output(&command))
    });
    contest.add(size.of(EXEC), Unit::BytesPerSecond, || {
        let before = loopback::bytes()?;
        let speed = speed(size, || connection.exec(&request).map(drop))?;
        let bytes = loopback::bytes()?.saturating_sub(before);
        crossed.borrow_mut().push(number(bytes));
        Ok(speed)
    });
    contest.add(size.of(KEPT), Unit::BytesPerSecond, || {
        let master = master.as_ref().map_err(|error| anyhow!("{error:#}"))?;
        speed(size, || master.read_output(&command))
    });
    let measured = contest.run(lab.samples(size.rounds));
    judge(size, &measured, report);
    report.take(BENCH, measured, &size.of(LOCAL));
    let crossed = (
        format!("exec, what crossed loopback of {}", size.name),
        crossed.into_inner(),
    );
    let mut figures = vec![crossed];
    for (role, pid) in roles.iter().zip(pids) {
        let peak = [Memory::of(pid)?.peak];
        let what = format!("most memory of reoclo {role}, {}", size.name);
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

fn speed(size: &Size, work: impl FnOnce() -> Result<()>) -> Result<f64> {
    Ok(number(size.bytes) / time(work)?)
}

fn judge(size: &Size, measured: &[Measured], report: &mut Report) {
    let verdict = p50(measured, &size.of(EXEC))
        .zip(p50(measured, &size.of(KEPT)))
        .map(|(exec, kept)| {
            let show = |speed| Unit::BytesPerSecond.format(speed);
            let text = format!("{:.2} × ({} / {})", exec / kept, show(exec), show(kept));
            (text, exec > kept)
        });
    let bar = format!("{} of output faster than ssh, p50", size.name);
    report.bar(BENCH, &bar, verdict);
}
