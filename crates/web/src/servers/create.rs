use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use reoclo_api_types::AddServerRequest;
use reoclo_control::{AddedServer, Authorized, Control, OnceForm, ServerRecord, ServersWrite};
use reoclo_domain::Reach;
use reoclo_http::{ApiError, PageForm};

use crate::form::Problems;
use crate::moment::Countdown;
use crate::once::{once, taken};
use crate::page::Page;
use crate::shell::Shell;

#[derive(Template)]
#[template(path = "servers/create.html")]
struct New {
    name: String,
    slug: String,
    problems: Problems,
    shell: Shell,
}

/// The only page that has the command with its token.
#[derive(Template)]
#[template(path = "servers/created.html")]
struct Added {
    /// It was added just now, and did not wait before.
    is_new: bool,
    id: String,
    name: String,
    slug: String,
    install_command: String,
    /// Why other machines cannot use the command, and what to do.
    hindrance: Option<String>,
    is_of_this_machine: bool,
    until: Countdown,
    shell: Shell,
}

pub(super) async fn show(_: Authorized<ServersWrite>, shell: Shell) -> Response {
    let page = New {
        name: String::new(),
        slug: String::new(),
        problems: Problems::default(),
        shell,
    };
    Page::ok(page).into_response()
}

pub(super) async fn create(
    proof: Authorized<ServersWrite>,
    shell: Shell,
    State(control): State<Control>,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    let sent = OnceForm::AddServer;
    if let Some(page) = taken(&shell, &control, &proof, sent, &fields).await? {
        return Ok(page);
    }
    let form = AddServerRequest {
        name: fields.text("name").to_owned(),
        slug: fields.filled("slug").map(str::to_owned),
    };
    match control.servers().create(&proof, form, once(&fields)).await {
        Ok((added, record)) => Ok(waiting_page(shell, &control, added, record, true)),
        Err(refusal) => {
            // Of two that came at once, one added it.
            if let Some(page) = taken(&shell, &control, &proof, sent, &fields).await? {
                return Ok(page);
            }
            let page = New {
                name: fields.text("name").to_owned(),
                slug: fields.text("slug").to_owned(),
                problems: Problems::of(refusal)?,
                shell,
            };
            Ok(Page(page.problems.status(), page).into_response())
        }
    }
}

/// Shows the token in the answer to the form itself.
pub(super) fn waiting_page(
    shell: Shell,
    control: &Control,
    added: AddedServer,
    record: ServerRecord,
    is_new: bool,
) -> Response {
    let url = &control.settings().public_url;
    let reach = Reach::of(url);
    let page = Added {
        is_new,
        id: added.id.to_string(),
        name: record.name,
        slug: added.slug,
        install_command: added.install_command,
        hindrance: reach.hindrance(url),
        is_of_this_machine: reach == Reach::ThisMachine,
        until: shell.moment(added.expires_at).countdown(),
        shell,
    };
    Page(StatusCode::CREATED.into(), page).into_response()
}
