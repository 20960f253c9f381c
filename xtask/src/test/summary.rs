//! The last lines of a test run: each suite, its result and its time.

use std::fmt;
use std::process::ExitCode;
use std::time::Duration;

use super::suite::Suite;

/// The results so far.
#[derive(Default)]
pub(crate) struct Summary {
    results: Vec<Outcome>,
}

struct Outcome {
    suite: Suite,
    passed: bool,
    time: Duration,
}

impl Summary {
    /// Notes a suite's result, and prints it.
    pub(crate) fn add(&mut self, suite: Suite, passed: bool, time: Duration) {
        let result = Outcome {
            suite,
            passed,
            time,
        };
        println!("=== {result}");
        self.results.push(result);
    }

    /// 0 only if everything passed.
    pub(crate) fn exit_code(&self) -> ExitCode {
        if self.results.iter().all(|result| result.passed) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n=== summary")?;
        for result in &self.results {
            writeln!(f, "{result}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.passed { "passed" } else { "FAILED" };
        let seconds = self.time.as_secs_f64();
        write!(f, "{:<9} {verdict}  {seconds:>7.1} s", self.suite)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_fails_the_run_and_shows() {
        let mut summary = Summary::default();
        summary.add(Suite::Unit, true, Duration::from_millis(1234));
        assert_eq!(summary.exit_code(), ExitCode::SUCCESS);
        summary.add(Suite::Postgres, false, Duration::from_mins(1));
        assert_eq!(summary.exit_code(), ExitCode::FAILURE);
        assert_eq!(
            summary.to_string(),
            "\n=== summary\nunit      passed      1.2 s\npostgres  FAILED     60.0 s\n"
        );
    }
}
