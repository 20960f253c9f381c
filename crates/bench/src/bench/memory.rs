//! Resident memory of the three processes, fresh and after a thousand commands.

use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;

use crate::contest::Measured;
use crate::instance::Instance;
use crate::lab::Lab;
use crate::memory::Memory;
use crate::report::Report;
use crate::unit::{Unit, number};

const BENCH: &str = "memory";
const COMMANDS: usize = 1000;
const REST: Duration = Duration::from_secs(5);
const BAR_MIB: f64 = 40.0;

const ROLES: [(&str, &str); 3] = [
    ("up", "control plane"),
    ("runner", "runner"),
    ("supervisor", "supervisor"),
];

pub(super) fn run(lab: &Lab, report: &mut Report) -> Result<()> {
    let instance = lab.start()?;
    sleep(REST);
    let fresh = measure(&instance, "fresh", report)?;
    let commands = lab.samples(COMMANDS);
    let request = instance.exec("true")?;
    let mut connection = instance.connect()?;
    for _ in 0..commands {
        connection.exec(&request)?;
    }
    drop(connection);
    sleep(REST);
    let used = measure(&instance, &format!("after {commands} commands"), report)?;
    for (when, bytes) in [("fresh", fresh), ("after commands", used)] {
        let verdict = (Unit::Bytes.format(bytes), bytes < BAR_MIB * number(1 << 20));
        let bar = format!("control plane + runner < 40 MiB resident, idle, {when}");
        report.bar(BENCH, &bar, Some(verdict));
    }
    instance.stop();
    Ok(())
}

/// Reports all three and answers what control plane and runner have together.
fn measure(instance: &Instance, when: &str, report: &mut Report) -> Result<f64> {
    let mut sum = 0.0;
    let mut figures = Vec::new();
    for (role, name) in ROLES {
        let memory = Memory::of(instance.process(role)?.pid)?;
        if role != "supervisor" {
            sum += memory.resident;
        }
        figures.push(figure(format!("{name}, {when}"), memory.resident));
        let shared = format!("{name}, {when}, shared pages in parts");
        figures.push(figure(shared, memory.proportional));
    }
    report.take(BENCH, figures, "");
    Ok(sum)
}

fn figure(what: String, bytes: f64) -> Measured {
    Measured {
        what,
        unit: Unit::Bytes,
        samples: [bytes].into_iter().collect(),
        failure: None,
    }
}
