//! Running a command on a server: the form leads to the operation.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{Authorized, Control, ExecCommand, ServerRecord, ServersExecute, ServersRead};
use reoclo_http::{ApiError, FormFields, ItemId, PageForm};

use crate::form::Problems;
use crate::page::{Page, see_other};
use crate::shell::Shell;
use crate::words::{Badge, server_status};

const TIMEOUT_SECONDS: &str = "600";

#[derive(Template)]
#[template(path = "operations/run.html")]
struct Run {
    server: ServerRecord,
    status: Badge,
    command: String,
    working_directory: String,
    timeout_seconds: String,
    problems: Problems,
    shell: Shell,
}

pub(super) async fn show(
    _: Authorized<ServersExecute>,
    read: Authorized<ServersRead>,
    shell: Shell,
    State(control): State<Control>,
    ItemId(id): ItemId,
) -> Result<Response, ApiError> {
    let server = control.server(&read, &id).await?;
    let page = Run {
        status: server_status(server.status),
        server,
        command: String::new(),
        working_directory: String::new(),
        timeout_seconds: TIMEOUT_SECONDS.into(),
        problems: Problems::default(),
        shell,
    };
    Ok(Page::ok(page).into_response())
}

pub(super) async fn run(
    proof: Authorized<ServersExecute>,
    read: Authorized<ServersRead>,
    shell: Shell,
    State(control): State<Control>,
    ItemId(id): ItemId,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    let server = control.server(&read, &id).await?;
    let begun = control
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
