//! Running `true`: the time that one takes, where that goes, and how many go in a second.

mod breakdown;
mod commits;
mod latency;
mod throughput;

pub(super) use throughput::all_at_once;

use anyhow::{Result, anyhow};

use crate::lab::{Lab, runtime};
use crate::report::Report;
use crate::ssh::Master;

const BENCH: &str = "exec";

pub(super) fn run(lab: &Lab, report: &mut Report) -> Result<()> {
    let runtime = runtime()?;
    let instance = lab.start()?;
    let master = lab
        .ssh()
        .and_then(|ssh| ssh.keep(lab.scratch.new_path("ssh")));
    let answers = latency::run(lab, &runtime, &instance, &master, report)?;
    throughput::run(lab, &instance, &master, report);
    let organization = instance.organization().parse()?;
    let data_dir = instance.data_dir().to_owned();
    // Only a database that nobody uses can be opened here.
    instance.stop();
    let parts = breakdown::read(&data_dir, organization, &answers);
    report.take(BENCH, runtime.block_on(parts)?, breakdown::WHOLE);
    Ok(())
}

/// Runs `true` over the kept connection, if there is one.
fn run_over(master: &Result<Master<'_>>) -> Result<()> {
    let master = master.as_ref().map_err(|error| anyhow!("{error:#}"))?;
    master.run("true")
}
