use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use reoclo_control::{AddedUser, Authorized, Control, NewUserForm, UsersWrite};
use reoclo_domain::Role;
use reoclo_http::{ApiError, PageForm};

use super::{ROLES, name};
use crate::form::Problems;
use crate::moment::Moment;
use crate::page::Page;
use crate::shell::Shell;

#[derive(Template)]
#[template(path = "users/new.html")]
struct New {
    email: String,
    name: String,
    role: String,
    roles: [(Role, &'static str); 4],
    problems: Problems,
    shell: Shell,
}

/// The only page that has the temporary password.
#[derive(Template)]
#[template(path = "users/added.html")]
struct Added {
    id: String,
    name: String,
    email: String,
    title: &'static str,
    password: Option<(String, Moment)>,
    sign_in: String,
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

pub(super) async fn add(
    proof: Authorized<UsersWrite>,
    shell: Shell,
    State(control): State<Control>,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    let form = NewUserForm {
        email: fields.text("email").to_owned(),
        name: fields.text("name").to_owned(),
        role: fields.text("role").to_owned(),
    };
    match control.add_user(&proof, form).await {
        Ok(added) => {
            let page = added_page(shell, &control, added, "is added");
            Ok((StatusCode::CREATED, page).into_response())
        }
        Err(refusal) => {
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

/// Shows a temporary password in the answer to the form itself.
pub(super) fn added_page(
    shell: Shell,
    control: &Control,
    added: AddedUser,
    title: &'static str,
) -> Response {
    let password = added.temporary_password;
    let password = password.map(|(secret, until)| (secret.expose().to_owned(), until));
    let page = Added {
        id: added.member.id.to_string(),
        name: name(&added.member),
        email: added.member.email.unwrap_or_default(),
        title,
        password: password.map(|(secret, until)| (secret, shell.moment(until))),
        sign_in: format!("{}/sign-in", control.settings().public_url),
        shell,
    };
    Page::ok(page).into_response()
}
