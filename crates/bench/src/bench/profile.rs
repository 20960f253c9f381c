//! Where the processor time of the control plane goes while commands are run, as `perf` sees it.
//!
//! For a binary that was built with symbols and frame pointers: `cargo xtask bench --profile`.

mod frame;
mod stacks;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};

use crate::instance::Instance;
use crate::lab::Lab;
use crate::local::succeed;
use crate::unit::{Unit, number};
use stacks::Stacks;

const CALLERS: [usize; 2] = [1, 32];
const SECONDS: usize = 20;
/// Samples in a second of processor time; no divisor of anything that has a rhythm.
const FREQUENCY: usize = 1999;
const SHOWN: usize = 3;
/// Until what happens once has happened.
const WARM_UP: Duration = Duration::from_secs(2);

pub(super) fn run(lab: &Lab) -> Result<()> {
    let instance = lab.start()?;
    for callers in CALLERS {
        let file = lab.scratch.new_path("perf");
        let commands = record(lab, &instance, callers, &file)?;
        let stacks = Stacks::read(&file)?;
        ensure!(stacks.count() > 0, "perf took no sample");
        print(callers, commands, &stacks);
    }
    instance.stop();
    Ok(())
}

/// Runs commands and records the control plane meanwhile; answers how many were run in that time.
fn record(lab: &Lab, instance: &Instance, callers: usize, file: &Path) -> Result<usize> {
    let pid = instance.process("up")?.pid.to_string();
    let (done, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let caller = || -> Result<()> {
        let request = instance.exec("true")?;
        let mut connection = instance.connect()?;
        while !is_over.load(Ordering::Relaxed) {
            connection.exec(&request)?;
            done.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    };
    scope(|scope| {
        let running: Vec<_> = (0..callers).map(|_| scope.spawn(caller)).collect();
        sleep(WARM_UP);
        let before = done.load(Ordering::Relaxed);
        let recorded = perf_record(&pid, lab.samples(SECONDS), file);
        let commands = done.load(Ordering::Relaxed) - before;
        is_over.store(true, Ordering::Relaxed);
        for caller in running {
            caller.join().map_err(|_| anyhow!("a caller panicked"))??;
        }
        recorded.map(|()| commands)
    })
}

fn perf_record(pid: &str, seconds: usize, file: &Path) -> Result<()> {
    let mut perf = Command::new("perf");
    perf.args(["record", "--quiet", "-e", "cpu-clock", "--call-graph", "fp"])
        .args(["-F", &FREQUENCY.to_string(), "-p", pid, "-o"])
        .arg(file)
        .args(["--", "sleep", &seconds.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    succeed(&mut perf).context("perf is needed (Debian: linux-perf), and may be forbidden")
}

/// The largest costs of one command, in three ways of looking at them.
fn print(callers: usize, commands: usize, stacks: &Stacks) {
    let seconds = number(stacks.count()) / number(FREQUENCY);
    let of_one = seconds / number(commands.max(1));
    println!(
        "  exec of true, {callers} at a time: {commands} commands, {} of processor time for each",
        Unit::Seconds.format(of_one)
    );
    let ways = [
        ("crate or library", stacks.by_library()),
        ("function", stacks.by_function()),
        ("system call", stacks.by_system_call()),
    ];
    for (way, costs) in ways {
        println!("    by {way}");
        for (name, share) in costs.iter().take(SHOWN) {
            let time = Unit::Seconds.format(share * of_one);
            println!("      {:>5.1} %   {time:>9}   {name}", share * 100.0);
        }
    }
}
