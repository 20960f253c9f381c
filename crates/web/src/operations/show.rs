use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{
    Authorized, Control, OperationOutput, OperationRecord, SeenOperation, ServersRead,
};
use reoclo_domain::{OperationState, counted};
use reoclo_http::{ApiError, ItemId};
use serde_json::Value;

use super::line::duration;
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
    IfHeld(output): IfHeld<OperationOutput>,
    shell: Shell,
    State(control): State<Control>,
    id: ItemId,
) -> Result<Response, ApiError> {
    let id = id.parse("the operation")?;
    let SeenOperation { record, .. } = control.operation(&proof, id).await?;
    let written = match &output {
        Some(output) => written(&control.operation_log(output, id).await?).await?,
        None => Vec::new(),
    };
    let page = Show {
        line: Line::of(&record, &shell),
        state: line::state(&record),
        is_running: record.state == OperationState::Running,
        end: end(&record, &shell),
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
