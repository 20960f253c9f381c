use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{AddedUser, Authorized, Control, OnceForm, OrganizationManage, UsersRead};
use reoclo_domain::UserId;
use reoclo_http::{ApiError, ItemId, PageForm};

use super::{WHAT, name, show};
use crate::form::Problems;
use crate::moment::Moment;
use crate::once::{once, taken};
use crate::page::Page;
use crate::shell::Shell;

/// The only page that has the temporary password.
#[derive(Template)]
#[template(path = "users/reset_password.html")]
struct Reset {
    id: String,
    name: String,
    email: String,
    password: Option<(String, Moment)>,
    sign_in: String,
    shell: Shell,
}

pub(super) async fn reset_password(
    proof: Authorized<OrganizationManage>,
    read: Authorized<UsersRead>,
    shell: Shell,
    State(control): State<Control>,
    id: ItemId,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    let user: UserId = id.parse(WHAT)?;
    let sent = OnceForm::ResetPassword(user);
    if let Some(page) = taken(&shell, &control, &proof, sent, &fields).await? {
        return Ok(page);
    }
    let users = control.users();
    let reset = users.reset_password(&proof, user, once(&fields));
    match reset.await {
        Ok(reset) => Ok(page(shell, &control, reset)),
        Err(refusal) => {
            // Of two that came at once, one gave it.
            if let Some(page) = taken(&shell, &control, &proof, sent, &fields).await? {
                return Ok(page);
            }
            let problems = Problems::of(refusal)?;
            let member = control.users().show(&read, user).await?;
            Ok(show::page(shell, &member, Some(problems)))
        }
    }
}

/// Shows a temporary password in the answer to the form itself.
fn page(shell: Shell, control: &Control, reset: AddedUser) -> Response {
    let password = reset.temporary_password;
    let password = password.map(|(secret, until)| (secret.expose().to_owned(), until));
    let page = Reset {
        id: reset.member.id.to_string(),
        name: name(&reset.member),
        email: reset.member.email.unwrap_or_default(),
        password: password.map(|(secret, until)| (secret, shell.moment(until))),
        sign_in: format!("{}/sign-in", control.settings().public_url),
        shell,
    };
    Page::ok(page).into_response()
}
