use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use reoclo_api_types::AddUserRequest;
use reoclo_control::{Authorized, Control, OnceForm, UsersWrite};
use reoclo_domain::Role;
use reoclo_http::{ApiError, PageForm};

use super::ROLES;
use crate::form::Problems;
use crate::invitations::shown;
use crate::once::{once, taken};
use crate::page::Page;
use crate::shell::Shell;

#[derive(Template)]
#[template(path = "users/invite.html")]
struct New {
    email: String,
    name: String,
    role: String,
    roles: [(Role, &'static str); 4],
    problems: Problems,
    shell: Shell,
}

pub(super) async fn show(_: Authorized<UsersWrite>, shell: Shell) -> Response {
    let page = New {
        email: String::new(),
        name: String::new(),
        role: Role::Developer.as_str().to_owned(),
        roles: ROLES,
        problems: Problems::default(),
        shell,
    };
    Page::ok(page).into_response()
}

pub(super) async fn invite(
    proof: Authorized<UsersWrite>,
    shell: Shell,
    State(control): State<Control>,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    let sent = OnceForm::Invite;
    if let Some(page) = taken(&shell, &control, &proof, sent, &fields).await? {
        return Ok(page);
    }
    let form = AddUserRequest {
        email: fields.text("email").to_owned(),
        name: fields.text("name").to_owned(),
        role: fields.text("role").to_owned(),
    };
    match control
        .invitations()
        .invite(&proof, form, once(&fields))
        .await
    {
        Ok(invited) => Ok(shown(StatusCode::CREATED, shell, invited)),
        Err(refusal) => {
            // Of two that came at once, one invited.
            if let Some(page) = taken(&shell, &control, &proof, sent, &fields).await? {
                return Ok(page);
            }
            let page = New {
                email: fields.text("email").to_owned(),
                name: fields.text("name").to_owned(),
                role: fields.text("role").to_owned(),
                roles: ROLES,
                problems: Problems::of(refusal)?,
                shell,
            };
            Ok(Page(page.problems.status(), page).into_response())
        }
    }
}
