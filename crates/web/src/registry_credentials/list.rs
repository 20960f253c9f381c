use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{Authorized, Control, RegistryCredentialsRead};
use reoclo_http::ApiError;

use crate::moment::Moment;
use crate::page::Page;
use crate::shell::Shell;

#[derive(Template)]
#[template(path = "registry_credentials/list.html")]
struct List {
    credentials: Vec<Line>,
    shell: Shell,
}

struct Line {
    id: String,
    name: String,
    kind: String,
    address: String,
    username: String,
    changed: Moment,
}

pub(super) async fn show(
    proof: Authorized<RegistryCredentialsRead>,
    shell: Shell,
    State(control): State<Control>,
) -> Result<Response, ApiError> {
    let found = control.registry_credentials(&proof).await?.into_iter();
    let credentials = found.map(|record| Line {
        id: record.id.to_string(),
        name: record.name.to_string(),
        kind: record.registry_type_name,
        address: record.registry_url.to_string(),
        username: record.username.unwrap_or_default(),
        changed: shell.moment(record.updated_at),
    });
    let credentials = credentials.collect();
    Ok(Page::ok(List { credentials, shell }).into_response())
}
