//! Much output from one command, and what it costs in memory.

use anyhow::{Result, anyhow};

use crate::contest::{Contest, Measured, p50, time};
use crate::lab::Lab;
use crate::local;
use crate::memory::{self, Memory};
use crate::report::Report;
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

    let mut contest = Contest::default();
    contest.add(LOCAL, Unit::BytesPerSecond, || {
        speed(|| local::read_output(&command))
    });
    contest.add(EXEC, Unit::BytesPerSecond, || {
        speed(|| connection.exec(&request).map(drop))
    });
    contest.add(KEPT, Unit::BytesPerSecond, || {
        let master = master.as_ref().map_err(|error| anyhow!("{error:#}"))?;
        speed(|| master.read_output(&command))
    });
    let measured = contest.run(lab.samples(ROUNDS));
    judge(&measured, report);
    report.take(BENCH, measured, LOCAL);
    for (role, pid) in roles.iter().zip(pids) {
        let peak = Memory::of(pid)?.peak;
        let figure = Measured {
            what: format!("most memory of reoclo {role}"),
            unit: Unit::Bytes,
            samples: [peak].into_iter().collect(),
            failure: None,
        };
        report.take(BENCH, vec![figure], "");
    }
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
