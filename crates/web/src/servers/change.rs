use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_api_types::ChangeServerRequest;
use reoclo_control::{Authorized, Control, ServersRead, ServersWrite};
use reoclo_http::{ApiError, ItemId, PageForm};

use crate::form::Problems;
use crate::page::{Page, see_other};
use crate::shell::Shell;

#[derive(Template)]
#[template(path = "servers/change.html")]
struct Edit {
    /// Its slug before the change.
    reference: String,
    title: String,
    name: String,
    slug: String,
    problems: Problems,
    shell: Shell,
}

pub(super) async fn show(
    _: Authorized<ServersWrite>,
    read: Authorized<ServersRead>,
    shell: Shell,
    State(control): State<Control>,
    ItemId(id): ItemId,
) -> Result<Response, ApiError> {
    let server = control.servers().show(&read, &id).await?;
    let page = Edit {
        reference: server.slug.clone(),
        title: server.name.clone(),
        name: server.name,
        slug: server.slug,
        problems: Problems::default(),
        shell,
    };
    Ok(Page::ok(page).into_response())
}

pub(super) async fn change(
    proof: Authorized<ServersWrite>,
    read: Authorized<ServersRead>,
    shell: Shell,
    State(control): State<Control>,
    ItemId(id): ItemId,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    let server = control.servers().show(&read, &id).await?;
    let form = ChangeServerRequest {
        name: Some(fields.text("name").to_owned()),
        slug: Some(fields.text("slug").trim().to_owned()),
    };
    match control.servers().change(&proof, &id, form).await {
        Ok(changed) => Ok(see_other(&format!(
            "/servers/{}?notice=server-changed",
            changed.slug
        ))),
        Err(refusal) => {
            let page = Edit {
                reference: server.slug,
                title: server.name,
                name: fields.text("name").to_owned(),
                slug: fields.text("slug").to_owned(),
                problems: Problems::of(refusal)?,
                shell,
            };
            Ok(Page(page.problems.status(), page).into_response())
        }
    }
}
