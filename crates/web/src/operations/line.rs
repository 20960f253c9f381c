//! An operation as a line of a list.

use reoclo_control::{ActorKind, OperationRecord};
use reoclo_domain::OperationState;

use crate::moment::Moment;
use crate::shell::Shell;
use crate::visible::visible;
use crate::words::Badge;

const COMMAND_CHARS: usize = 120;

/// An operation, in words.
pub(crate) struct Line {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) kind: &'static str,
    pub(crate) server: String,
    pub(crate) starter: String,
    pub(crate) starter_kind: &'static str,
    /// What the client called itself, by `X-Reoclo-Source`.
    pub(crate) source: Option<String>,
    pub(crate) started: Moment,
    pub(crate) duration: String,
    pub(crate) state: Badge,
}

impl Line {
    pub(crate) fn of(record: &OperationRecord, shell: &Shell) -> Self {
        let outcome = record.outcome.as_ref();
        Self {
            id: record.id.to_string(),
            title: title(record),
            kind: record.kind.as_str(),
            server: record.server_name.clone(),
            starter: record.starter.label.clone(),
            starter_kind: match record.starter.kind {
                ActorKind::User => "person",
                ActorKind::IntegrationKey => "integration key",
                ActorKind::AutomationKey => "automation key",
                ActorKind::Runner => "runner",
                ActorKind::System => "Reoclo",
            },
            source: record.via.as_ref().map(ToString::to_string),
            started: shell.moment(record.created_at),
            duration: outcome.map_or_else(String::new, |outcome| duration(outcome.duration_us)),
            state: state(record),
        }
    }
}

/// The first line of the command, or what is done.
fn title(record: &OperationRecord) -> String {
    let command = record.command.as_deref().unwrap_or_default();
    let first = command.trim_start().lines().next().unwrap_or_default();
    if first.is_empty() {
        return record.kind.as_str().to_owned();
    }
    let shown: String = first.chars().take(COMMAND_CHARS).collect();
    let more = if shown.len() < command.trim().len() {
        " …"
    } else {
        ""
    };
    format!("{}{more}", visible(&shown))
}

/// Where it stands; a command that failed is told from one that could not be run.
pub(super) fn state(record: &OperationRecord) -> Badge {
    let outcome = record.outcome.as_ref();
    let exit_code = outcome.map(|outcome| outcome.exit_code);
    let code = outcome.and_then(|outcome| outcome.code.as_deref());
    let (class, text) = match (record.state, exit_code) {
        (OperationState::Failed, _) if code == Some("cancelled") => ("warn", "Cancelled"),
        (OperationState::Running, _) if record.is_queued => ("", "Queued"),
        (OperationState::Running, _) if record.cancel_requested_at.is_some() => {
            ("warn", "Being cancelled")
        }
        (OperationState::Running, _) => ("running", "Running"),
        (OperationState::Completed, Some(0)) => ("good", "Succeeded"),
        (OperationState::Completed, _) => ("bad", "Ended with an error"),
        (OperationState::Failed, _) => ("bad", "Failed"),
        (OperationState::Timeout, _) => ("bad", "Timed out"),
    };
    Badge { class, text }
}

/// A length in the unit that says most.
pub(super) fn duration(micros: i64) -> String {
    let millis = micros.max(0) / 1_000;
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        _ => format!("{} min {} s", millis / 60_000, millis % 60_000 / 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_told_in_the_unit_that_says_most() {
        assert_eq!(duration(12_345), "12 ms");
        assert_eq!(duration(1_250_000), "1.2 s");
        assert_eq!(duration(125_000_000), "2 min 5 s");
        assert_eq!(duration(-1), "0 ms");
    }
}
