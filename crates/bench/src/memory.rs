//! Memory of a process, from /proc.

use std::fs;

use anyhow::{Context, Result};
use rustix::process::Pid;

use crate::unit::number;

/// Bytes that a process holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// Resident: what it shares with others counts in full.
    pub(crate) resident: f64,
    /// Resident, what it shares counted in parts.
    pub(crate) proportional: f64,
    /// The most that was ever resident.
    pub(crate) peak: f64,
}

impl Memory {
    pub(crate) fn of(pid: Pid) -> Result<Self> {
        let status = read(pid, "status")?;
        let rollup = read(pid, "smaps_rollup")?;
        let bytes = |text: &str, field: &str| {
            let found = kibibytes(text, field).with_context(|| format!("/proc has no {field}"));
            found.map(|kibibytes| number(kibibytes) * 1024.0)
        };
        Ok(Self {
            resident: bytes(&status, "VmRSS")?,
            proportional: bytes(&rollup, "Pss")?,
            peak: bytes(&status, "VmHWM")?,
        })
    }
}

/// Makes [`Memory::peak`] begin anew (proc(5), `clear_refs`).
pub(crate) fn forget_peak(pid: Pid) -> Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5")
        .with_context(|| format!("cannot reset the peak of process {pid}"))
}

fn read(pid: Pid, file: &str) -> Result<String> {
    fs::read_to_string(format!("/proc/{pid}/{file}"))
        .with_context(|| format!("cannot read the {file} of process {pid}"))
}

/// The value of a line such as `VmRSS:     5120 kB`.
fn kibibytes(text: &str, field: &str) -> Option<usize> {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    value.trim().strip_suffix(" kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_told_apart_by_their_whole_name() {
        let text = "Pss_Anon:   7 kB\nPss:      5120 kB\n";
        assert_eq!(kibibytes(text, "Pss"), Some(5120));
        assert_eq!(kibibytes(text, "Rss"), None);
    }

    #[test]
    fn this_process_has_memory() {
        let memory = Memory::of(rustix::process::getpid()).unwrap();
        assert!(memory.proportional > 0.0);
        assert!(memory.resident <= memory.peak);
    }
}
