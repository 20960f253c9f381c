//! Processor time of a process, from /proc.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::param::clock_ticks_per_second;
use rustix::process::Pid;

use crate::unit::number;

/// How much of one core the process takes over a time from now on.
pub(crate) fn share(pid: Pid, over: Duration) -> Result<f64> {
    let (begin, before) = (Instant::now(), seconds(pid)?);
    sleep(over);
    Ok((seconds(pid)? - before) / begin.elapsed().as_secs_f64())
}

/// What all of its threads took since it began.
fn seconds(pid: Pid) -> Result<f64> {
    let file = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?;
    let ticks = ticks(&text).with_context(|| format!("{file} is malformed"))?;
    let a_second = usize::try_from(clock_ticks_per_second()).unwrap_or(usize::MAX);
    Ok(number(ticks) / number(a_second))
}

/// The fields 14 and 15 (proc_pid_stat(5)); the second may hold blanks and brackets.
fn ticks(text: &str) -> Option<usize> {
    let (_, behind_name) = text.rsplit_once(')')?;
    let mut fields = behind_name.split_whitespace().skip(11);
    let user: usize = fields.next()?.parse().ok()?;
    let system: usize = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_process_cannot_shift_the_fields() {
        let text = "7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 30 12 0 0 20 0 1";
        assert_eq!(ticks(text), Some(42));
        assert_eq!(ticks("7 (a"), None);
    }

    #[test]
    fn this_process_has_taken_time() {
        assert!(seconds(rustix::process::getpid()).unwrap() >= 0.0);
    }
}
