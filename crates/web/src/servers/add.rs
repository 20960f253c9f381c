use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use reoclo_control::{Authorized, Control, NewServerForm, ServersWrite};
use reoclo_http::{ApiError, PageForm};

use crate::form::Problems;
use crate::moment::Moment;
use crate::page::Page;
use crate::shell::Shell;

#[derive(Template)]
#[template(path = "servers/new.html")]
struct New {
    name: String,
    slug: String,
    problems: Problems,
    shell: Shell,
}

/// The only page that has the command with its token.
#[derive(Template)]
#[template(path = "servers/added.html")]
struct Added {
    id: String,
    name: String,
    slug: String,
    install_command: String,
    until: Moment,
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

pub(super) async fn add(
    proof: Authorized<ServersWrite>,
    shell: Shell,
    State(control): State<Control>,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    let form = NewServerForm {
        name: fields.text("name").to_owned(),
        slug: fields.filled("slug").map(str::to_owned),
    };
    match control.add_own_server(&proof, form).await {
        Ok((added, record)) => {
            let page = Added {
                id: added.id.to_string(),
                name: record.name,
                slug: added.slug,
                install_command: added.install_command,
                until: shell.moment(added.expires_at),
                shell,
            };
            Ok(Page(StatusCode::CREATED, page).into_response())
        }
        Err(refusal) => {
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
