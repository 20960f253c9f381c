//! Running a command on a server: the form leads to the operation.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{
    AuditLogsRead, Authorized, Control, ExecCommand, OperationRecord, ServerRecord, ServersExecute,
    ServersRead,
};
use reoclo_domain::OperationId;
use reoclo_http::{ApiError, FormFields, ItemId, PageForm, QueryReader, QueryText};

use super::history::History;
use crate::form::Problems;
use crate::page::{Page, see_other};
use crate::shell::{IfHeld, Shell};
use crate::words::{Badge, server_status};

const TIMEOUT_SECONDS: &str = "600";
/// What stands in a stored command where a secret was.
const MASKED: &str = "***";

#[derive(Template)]
#[template(path = "operations/exec.html")]
struct Run {
    server: ServerRecord,
    status: Badge,
    command: String,
    working_directory: String,
    timeout_seconds: String,
    /// What was run before and the form cannot say again.
    lacks: Vec<String>,
    problems: Problems,
    shell: Shell,
}

/// What the form is filled with.
struct Filled {
    command: String,
    working_directory: String,
    timeout_seconds: String,
    lacks: Vec<String>,
}

impl Default for Filled {
    fn default() -> Self {
        Self {
            command: String::new(),
            working_directory: String::new(),
            timeout_seconds: TIMEOUT_SECONDS.into(),
            lacks: Vec::new(),
        }
    }
}

impl Filled {
    /// With what an operation ran.
    fn again(record: OperationRecord, history: History) -> Self {
        let command = record.command.unwrap_or_default();
        let mut lacks = Vec::new();
        if command.contains(MASKED) {
            lacks.push(format!(
                "A secret was masked in the command: put it in place of {MASKED}, or better, read \
                 it from a file on the server."
            ));
        }
        if !history.variables.is_empty() {
            lacks.push(format!(
                "It had the variables {}, which this form does not set: their values are not kept.",
                history.variables.join(", ")
            ));
        }
        Self {
            command,
            working_directory: history.working_directory.unwrap_or_default(),
            timeout_seconds: record.timeout_seconds.to_string(),
            lacks,
        }
    }
}

pub(super) async fn show(
    _: Authorized<ServersExecute>,
    read: Authorized<ServersRead>,
    log: IfHeld<AuditLogsRead>,
    shell: Shell,
    State(control): State<Control>,
    ItemId(id): ItemId,
    query: QueryText,
) -> Result<Response, ApiError> {
    let server = control.servers().show(&read, &id).await?;
    let again = QueryReader::new(&query).text("again");
    let filled = match again.and_then(|id| id.parse::<OperationId>().ok()) {
        Some(id) => {
            let record = control.operations().show(&read, id).await?.record;
            Filled::again(record, History::of(&control, &log, &shell, id).await?)
        }
        None => Filled::default(),
    };
    let page = Run {
        status: server_status(server.status),
        server,
        command: filled.command,
        working_directory: filled.working_directory,
        timeout_seconds: filled.timeout_seconds,
        lacks: filled.lacks,
        problems: Problems::default(),
        shell,
    };
    Ok(Page::ok(page).into_response())
}

pub(super) async fn exec(
    proof: Authorized<ServersExecute>,
    read: Authorized<ServersRead>,
    shell: Shell,
    State(control): State<Control>,
    ItemId(id): ItemId,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    let server = control.servers().show(&read, &id).await?;
    let begun = control
        .operations()
        .exec_on_server(proof, &id, None, command(&fields))
        .await;
    match begun {
        Ok(begun) => Ok(see_other(&format!("/operations/{}", begun.operation))),
        Err(refusal) => {
            let page = Run {
                status: server_status(server.status),
                server,
                command: fields.text("command").to_owned(),
                working_directory: fields.text("working_directory").to_owned(),
                timeout_seconds: fields.text("timeout_seconds").to_owned(),
                lacks: Vec::new(),
                problems: Problems::of(refusal)?,
                shell,
            };
            Ok(Page(page.problems.status(), page).into_response())
        }
    }
}

fn command(fields: &FormFields) -> ExecCommand {
    let timeout = fields.filled("timeout_seconds");
    ExecCommand {
        // Browsers end lines as mail does; a shell does not take that.
        command: fields.text("command").replace("\r\n", "\n"),
        working_directory: fields.filled("working_directory").map(str::to_owned),
        // What is no number is as wrong as one that is too small.
        timeout_seconds: timeout.map(|timeout| timeout.parse().unwrap_or(0)),
        ..ExecCommand::default()
    }
}
