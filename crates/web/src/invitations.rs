//! What becomes of invitations: a new link, being taken back, being accepted.

mod accept;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use reoclo_control::{Authorized, Control, Invited, OnceForm, OrganizationManage, UsersWrite};
use reoclo_http::{ApiError, ItemId, PageForm, Registrar};

use crate::moment::Moment;
use crate::once::{once, taken};
use crate::page::{Page, see_other};
use crate::pages::Pages;
use crate::shell::Shell;

const WHAT: &str = "the invitation";

pub(crate) const PAGES: Pages = Pages::of(add).saying(&[
    (
        "invitation-withdrawn",
        "The invitation is withdrawn: its link is dead.",
    ),
    ("joined", "You have joined: sign in to go on."),
]);

fn add(registrar: Registrar) -> Registrar {
    registrar
        .page("/invitation", accept::show)
        .page_post("/invitation", accept::accept)
        .page_post("/invitations/{id}/link", renew)
        .page_post("/invitations/{id}/withdraw", remove)
}

/// The only page that has the link.
#[derive(Template)]
#[template(path = "invitations/link.html")]
struct Shown {
    name: String,
    email: String,
    link: String,
    until: Moment,
    shell: Shell,
}

async fn renew(
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
    match control.invitations().renew(&proof, id, once(&fields)).await {
        Ok(invited) => Ok(shown(StatusCode::OK, shell, invited)),
        Err(refusal) => {
            // Of two that came at once, one made it.
            let page = taken(&shell, &control, &proof, sent, &fields).await?;
            page.ok_or_else(|| refusal.into())
        }
    }
}

async fn remove(
    proof: Authorized<UsersWrite>,
    State(control): State<Control>,
    id: ItemId,
    PageForm(_): PageForm,
) -> Result<Response, ApiError> {
    control
        .invitations()
        .remove(&proof, id.parse(WHAT)?)
        .await?;
    Ok(see_other("/users?notice=invitation-withdrawn"))
}

/// Shows the link in the answer to the form itself.
pub(crate) fn shown(status: StatusCode, shell: Shell, invited: Invited) -> Response {
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
