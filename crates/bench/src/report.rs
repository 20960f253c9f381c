//! Figures as they come, the bars at the end, and all of it as JSON.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::contest::Measured;
use crate::machine::Machine;
use crate::unit::Unit;

/// Everything that was found out.
#[derive(Serialize)]
pub(crate) struct Report {
    machine_before: Machine,
    machine_after: Option<Machine>,
    figures: Vec<Figure>,
    bars: Vec<Judged>,
    unmeasured: Vec<Unmeasured>,
}

#[derive(Serialize)]
struct Figure {
    bench: &'static str,
    what: String,
    unit: Unit,
    samples: usize,
    p50: f64,
    p90: f64,
    beside: Option<Ratio>,
}

/// A median in terms of another one.
#[derive(Serialize)]
struct Ratio {
    to: String,
    ratio: f64,
}

/// A bar that the design sets, and what was measured.
#[derive(Serialize)]
struct Judged {
    bench: &'static str,
    bar: String,
    measured: Option<String>,
    pass: Option<bool>,
}

#[derive(Serialize)]
struct Unmeasured {
    bench: &'static str,
    what: String,
    why: String,
}

impl Report {
    pub(crate) fn begin() -> Self {
        let machine = Machine::now();
        println!("{machine}");
        Self {
            machine_before: machine,
            machine_after: None,
            figures: Vec::new(),
            bars: Vec::new(),
            unmeasured: Vec::new(),
        }
    }

    /// Takes what was measured in turn; the medians are compared with that of `beside`.
    pub(crate) fn take(&mut self, bench: &'static str, measured: Vec<Measured>, beside: &str) {
        let base = crate::contest::p50(&measured, beside);
        for one in measured {
            if let Some(failure) = &one.failure {
                self.unmeasured(bench, &one.what, failure);
            }
            let ratio = |p50| {
                base.filter(|_| one.what != beside).map(|base| Ratio {
                    to: beside.to_owned(),
                    ratio: p50 / base,
                })
            };
            if let (Some(p50), Some(p90)) = (one.samples.p50(), one.samples.p90(one.unit)) {
                let figure = Figure {
                    bench,
                    beside: ratio(p50),
                    unit: one.unit,
                    samples: one.samples.count(),
                    p50,
                    p90,
                    what: one.what,
                };
                figure.print();
                self.figures.push(figure);
            }
        }
    }

    /// Takes a bar: the value that was measured for it, and whether that passes.
    pub(crate) fn bar(&mut self, bench: &'static str, bar: &str, measured: Option<(String, bool)>) {
        let (measured, pass) = measured.unzip();
        self.bars.push(Judged {
            bench,
            bar: bar.to_owned(),
            measured,
            pass,
        });
    }

    /// Notes that something could not be measured, and why.
    pub(crate) fn unmeasured(&mut self, bench: &'static str, what: &str, why: &anyhow::Error) {
        let why = format!("{why:#}");
        println!("  {what}: not measured: {why}");
        self.unmeasured.push(Unmeasured {
            bench,
            what: what.to_owned(),
            why,
        });
    }

    /// Whether everything was measured.
    pub(crate) fn is_complete(&self) -> bool {
        self.unmeasured.is_empty()
    }

    /// The table at the end.
    pub(crate) fn print_bars(&mut self) {
        let machine = Machine::now();
        println!("\n{machine}\n");
        self.machine_after = Some(machine);
        for bar in &self.bars {
            let verdict = match bar.pass {
                Some(true) => "pass",
                Some(false) => "MISS",
                None => "-",
            };
            let measured = bar.measured.as_deref().unwrap_or("not measured");
            println!("{verdict:<5} {:<10} {:<72} {measured}", bar.bench, bar.bar);
        }
        for one in &self.unmeasured {
            println!("not measured: {}, {}: {}", one.bench, one.what, one.why);
        }
    }

    /// Writes everything as JSON.
    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        let write = || -> Result<()> {
            let mut out = File::create(file)?;
            serde_json::to_writer_pretty(&mut out, self)?;
            writeln!(out)?;
            Ok(())
        };
        write().with_context(|| format!("cannot write {}", file.display()))
    }
}

impl Figure {
    fn print(&self) {
        let Self { what, samples, .. } = self;
        let (p50, p90) = (self.unit.format(self.p50), self.unit.format(self.p90));
        let beside = self.beside.as_ref().map_or_else(String::new, |beside| {
            format!("   {:.2} × {}", beside.ratio, beside.to)
        });
        if *samples == 1 {
            println!("  {what:<56} {p50:>11}{beside}");
        } else {
            println!("  {what:<56} p50 {p50:>11}   p90 {p90:>11}   n {samples:>5}{beside}");
        }
    }
}
