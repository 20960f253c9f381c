use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{
    AuditLogsRead, Authorized, AutomationKeysManage, Control, IntegrationKeysManage,
    OperationOutput, OperationRecord, SeenOperation, ServersRead, UsersRead,
};
use reoclo_domain::{OperationKind, OperationState, counted};
use reoclo_http::{ApiError, ItemId};
use serde_json::Value;

use super::history::History;
use super::line::duration;
use super::links::{Links, Sees};
use super::output::{Written, written};
use super::{Line, line};
use crate::moment::Moment;
use crate::page::Page;
use crate::shell::{IfHeld, Shell};
use crate::visible::visible;
use crate::words::Badge;

const MAX_LINKS: usize = 8;

#[derive(Template)]
#[template(path = "operations/show.html")]
struct Show {
    line: Line,
    state: Badge,
    is_running: bool,
    command: Option<String>,
    timeout_seconds: u32,
    history: History,
    links: Links,
    /// The form that runs it again, filled.
    again: Option<String>,
    end: Option<End>,
    written: Vec<Written>,
    output_hidden: bool,
    context: Vec<Context>,
    run_id: Option<String>,
    shell: Shell,
}

struct End {
    exit_code: i32,
    message: Option<String>,
    duration: String,
    /// What the command left running; empty when it left nothing.
    left_running: String,
    at: Moment,
}

/// Something that the CI run told about itself.
struct Context {
    name: String,
    value: String,
    /// Only what is plainly a web address becomes a link.
    href: Option<String>,
}

pub(super) async fn show(
    proof: Authorized<ServersRead>,
    (IfHeld(output), log, people): (
        IfHeld<OperationOutput>,
        IfHeld<AuditLogsRead>,
        IfHeld<UsersRead>,
    ),
    (integration_keys, automation_keys): (
        IfHeld<IntegrationKeysManage>,
        IfHeld<AutomationKeysManage>,
    ),
    mut shell: Shell,
    State(control): State<Control>,
    id: ItemId,
) -> Result<Response, ApiError> {
    let id = id.parse("the operation")?;
    let SeenOperation { record, .. } = control.operations().show(&proof, id).await?;
    // It says what was asked for, which stays in the address after it has happened.
    if record.state != OperationState::Running {
        shell.notice = None;
    }
    let written = match &output {
        Some(output) => written(&control.operations().log(output, id).await?).await?,
        None => Vec::new(),
    };
    let sees = Sees {
        servers: proof,
        people,
        integration_keys,
        automation_keys,
    };
    let links = Links::of(&control, &sees, &record).await?;
    let page = Show {
        line: Line::of(&record, &shell),
        state: line::state(&record),
        is_running: record.state == OperationState::Running,
        end: end(&record, &shell),
        history: History::of(&control, &log, &shell, id).await?,
        again: again(&record, &links, &shell),
        links,
        written,
        output_hidden: output.is_none(),
        context: context(record.run_context.as_deref()),
        run_id: record.run_id,
        command: record.command.as_deref().map(visible),
        timeout_seconds: record.timeout_seconds,
        shell,
    };
    Ok(Page::ok(page).into_response())
}

/// Only what the form can say is run again by it, and only once it has ended.
fn again(record: &OperationRecord, links: &Links, shell: &Shell) -> Option<String> {
    let is_ended = record.state != OperationState::Running;
    let can = is_ended && record.kind == OperationKind::Exec && record.command.is_some();
    let server = links.server.as_ref().filter(|_| can)?;
    let link = format!("/servers/{server}/run?again={}", record.id);
    shell.may(crate::Cell::SERVERS_EXECUTE).then_some(link)
}

fn end(record: &OperationRecord, shell: &Shell) -> Option<End> {
    let outcome = record.outcome.as_ref()?;
    Some(End {
        exit_code: outcome.exit_code,
        message: outcome.message.clone(),
        duration: duration(outcome.duration_us),
        left_running: left_running(outcome.left_running),
        at: shell.moment(outcome.completed_at),
    })
}

fn left_running(many: i64) -> String {
    match many {
        0 => String::new(),
        1 => format!("{}, which goes on", counted(1, "process")),
        many => format!("{}, which go on", counted(many, "process")),
    }
}

fn context(text: Option<&str>) -> Vec<Context> {
    let parsed = text.and_then(|text| serde_json::from_str(text).ok());
    let Some(Value::Object(fields)) = parsed else {
        return Vec::new();
    };
    let lines = fields.into_iter().map(|(name, value)| {
        let value = match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let is_link = value.starts_with("https://") && !value.contains(char::is_whitespace);
        Context {
            href: is_link.then(|| value.clone()),
            name,
            value,
        }
    });
    lines.take(4 * MAX_LINKS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_become_links() {
        let told = context(Some(
            r#"{"run":"https://ci.example/1","evil":"javascript:alert(1)","n":3}"#,
        ));
        let link = |name| {
            let found = told.iter().find(|context| context.name == name);
            found.and_then(|context| context.href.as_deref())
        };
        assert_eq!(link("run"), Some("https://ci.example/1"));
        assert_eq!(link("evil"), None);
        assert!(context(Some("[1]")).is_empty() && context(None).is_empty());
    }
}
