use reoclo_domain::EXIT_LOST;
use reoclo_wire::proto::Finished;
use reoclo_wire::proto::finished::State;
use serde::{Deserialize, Serialize};

use crate::output::Layout;

/// How an operation ended, and where its output is: `ID.outcome`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredOutcome {
    state: String,
    exit_code: i32,
    signal: i32,
    message: String,
    #[serde(default)]
    field: String,
    duration_us: u64,
    #[serde(default)]
    left_running: u32,
    #[serde(default)]
    code: String,
    #[serde(default)]
    still_held: u32,
    pub(crate) stdout: Layout,
    pub(crate) stderr: Layout,
}

impl StoredOutcome {
    pub(crate) fn new(finished: &Finished, stdout: Layout, stderr: Layout) -> Self {
        Self {
            state: finished.state().as_str_name().to_owned(),
            exit_code: finished.exit_code,
            signal: finished.signal,
            message: finished.message.clone(),
            field: finished.field.clone(),
            duration_us: finished.duration_us,
            left_running: finished.left_running,
            code: finished.code.clone(),
            still_held: finished.still_held,
            stdout,
            stderr,
        }
    }

    /// The outcome of an operation whose process nobody watched to its end.
    pub(crate) fn lost(message: &str, stdout: Layout, stderr: Layout) -> Self {
        Self {
            state: State::Lost.as_str_name().to_owned(),
            exit_code: EXIT_LOST,
            signal: 0,
            message: message.to_owned(),
            field: String::new(),
            duration_us: 0,
            left_running: 0,
            code: String::new(),
            still_held: 0,
            stdout,
            stderr,
        }
    }

    pub(crate) fn finished(&self) -> Finished {
        let state = State::from_str_name(&self.state).unwrap_or(State::Lost);
        Finished {
            state: state.into(),
            exit_code: self.exit_code,
            signal: self.signal,
            message: self.message.clone(),
            field: self.field.clone(),
            duration_us: self.duration_us,
            left_running: self.left_running,
            code: self.code.clone(),
            still_held: self.still_held,
            stdout_bytes: self.stdout.len,
            stderr_bytes: self.stderr.len,
        }
    }
}
