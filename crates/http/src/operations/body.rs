//! Records as clients read them.

use reoclo_api_types::{OperationItem, OperationItemResult, OperationPageBody, StarterBody};
use reoclo_control::{
    Actor, Authorized, OperationOutcome, OperationPage, OperationRecord, SeenOperation, ServersRead,
};
use reoclo_domain::Cell;

use super::query::cursor_text;
use super::result;

pub(super) fn page(proof: &Authorized<ServersRead>, page: OperationPage) -> OperationPageBody {
    let output_hidden = !proof.caller().may(Cell::LOGS_READ);
    let items = page.items.into_iter();
    OperationPageBody {
        items: items
            .map(|record| {
                let ended = record.outcome.as_ref().map(without_output);
                item(record, ended, output_hidden)
            })
            .collect(),
        next_before: page.next.map(cursor_text),
    }
}

pub(super) fn whole(seen: SeenOperation) -> OperationItem {
    let hidden = seen.output_hidden;
    let ended = seen.record.outcome.as_ref().map(|outcome| {
        if hidden {
            without_output(outcome)
        } else {
            with_output(outcome)
        }
    });
    item(seen.record, ended, hidden)
}

fn item(
    record: OperationRecord,
    result: Option<OperationItemResult>,
    output_hidden: bool,
) -> OperationItem {
    let outcome = record.outcome;
    let context = record.run_context.as_deref();
    OperationItem {
        id: record.id.to_string(),
        operation_id: record.id.to_string(),
        operation_type: record.kind.as_str().into(),
        server_id: record.server.to_string(),
        server_name: record.server_name,
        status: record.state.as_str().into(),
        queued: record.is_queued,
        cancel_requested_at: record.cancel_requested_at.map(|at| at.to_string()),
        starter: starter(record.starter),
        source: record.via.map(|via| via.to_string()),
        command: record.command,
        run_id: record.run_id,
        run_context: context.and_then(|text| serde_json::from_str(text).ok()),
        timeout_seconds: record.timeout_seconds,
        started_at: record.created_at.to_string(),
        completed_at: outcome.as_ref().map(|end| end.completed_at.to_string()),
        result,
        code: outcome.as_ref().and_then(|end| end.code.clone()),
        message: outcome.and_then(|end| end.message),
        output_hidden,
    }
}

fn starter(actor: Actor) -> StarterBody {
    StarterBody {
        kind: actor.kind.as_str().into(),
        id: actor.id.map(|id| id.to_string()),
        name: actor.label,
    }
}

fn with_output(outcome: &OperationOutcome) -> OperationItemResult {
    let shown = result::result(outcome);
    OperationItemResult {
        stdout: Some(shown.stdout),
        stderr: Some(shown.stderr),
        ..without_output(outcome)
    }
}

fn without_output(outcome: &OperationOutcome) -> OperationItemResult {
    OperationItemResult {
        exit_code: outcome.exit_code,
        signal: outcome.signal,
        duration_ms: result::duration_ms(outcome),
        left_running: outcome.left_running,
        still_held: result::still_held(outcome),
        stdout: None,
        stderr: None,
        stdout_truncated: outcome.stdout.truncated,
        stderr_truncated: outcome.stderr.truncated,
        stdout_bytes: outcome.stdout.total,
        stderr_bytes: outcome.stderr.total,
    }
}
