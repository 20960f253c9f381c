use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use reoclo_control::{
    Authorized, Control, Invited, NewUserForm, OnceForm, OrganizationManage, UsersWrite,
};
use reoclo_domain::Role;
use reoclo_http::{ApiError, ItemId, PageForm};

use super::ROLES;
use crate::form::Problems;
use crate::moment::Moment;
use crate::once::{once, taken};
use crate::page::{Page, see_other};
use crate::shell::Shell;

const WHAT: &str = "the invitation";

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

/// The only page that has the link.
#[derive(Template)]
#[template(path = "users/invited.html")]
struct Shown {
    name: String,
    email: String,
    link: String,
    until: Moment,
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
    let form = NewUserForm {
        email: fields.text("email").to_owned(),
        name: fields.text("name").to_owned(),
        role: fields.text("role").to_owned(),
        once: once(&fields).map(str::to_owned),
    };
    match control.invite_user(&proof, form).await {
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

pub(super) async fn renew(
    proof: Authorized<OrganizationManage>,
    shell: Shell,
    State(control): State<Control>,
    id: ItemId,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    let id = id.parse(WHAT)?;
    let sent = OnceForm::RenewInvitation(id);
    if let Some(page) = taken(&shell, &control, &proof, sent, &fields).await? {
        return Ok(page);
    }
    match control.renew_invitation(&proof, id, once(&fields)).await {
        Ok(invited) => Ok(shown(StatusCode::OK, shell, invited)),
        Err(refusal) => {
            // Of two that came at once, one made it.
            let page = taken(&shell, &control, &proof, sent, &fields).await?;
            page.ok_or_else(|| refusal.into())
        }
    }
}

pub(super) async fn withdraw(
    proof: Authorized<UsersWrite>,
    State(control): State<Control>,
    id: ItemId,
    PageForm(_): PageForm,
) -> Result<Response, ApiError> {
    control.remove_invitation(&proof, id.parse(WHAT)?).await?;
    Ok(see_other("/users?notice=invitation-withdrawn"))
}

/// Shows the link in the answer to the form itself.
fn shown(status: StatusCode, shell: Shell, invited: Invited) -> Response {
    let link = invited.link.map(|link| link.expose().to_owned());
    let page = Shown {
        name: invited.invitation.name,
        email: invited.invitation.email,
        link: link.unwrap_or_default(),
        until: shell.moment(invited.invitation.expires_at),
        shell,
    };
    Page(status.into(), page).into_response()
}
