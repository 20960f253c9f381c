//! Joining an organization, by a link that works once.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use reoclo_control::{AcceptForm, Control, InvitationView};
use reoclo_domain::Secret;
use reoclo_http::{ApiError, FormFields, Public, PublicForm, QueryText, Source};

use crate::form::Problems;
use crate::link::{self, Filled};
use crate::look::Look;
use crate::page::see_other;

#[derive(Template)]
#[template(path = "invitations/accept.html")]
struct Accept {
    shell: Look,
    token: String,
    name: String,
    /// None when the link is dead.
    invitation: Option<InvitationView>,
    problems: Problems,
}

/// Looking at it does not use the link up.
pub(super) async fn show(
    _: Public,
    shell: Look,
    State(control): State<Control>,
    query: QueryText,
) -> Result<Response, ApiError> {
    page(
        shell,
        &control,
        link::token_in(&query),
        None,
        Problems::default(),
    )
    .await
}

pub(super) async fn accept(
    _: Public,
    shell: Look,
    State(control): State<Control>,
    Source(source): Source,
    PublicForm(fields): PublicForm,
) -> Result<Response, ApiError> {
    let Filled {
        token,
        name,
        password,
    } = Filled::of(&fields);
    let form = AcceptForm {
        token,
        name,
        password,
    };
    match control.invitations().accept(form, source).await {
        Ok(_) => Ok(see_other("/sign-in?notice=joined")),
        Err(refusal) => {
            let problems = Problems::of(refusal)?;
            let token = fields.text("token").to_owned();
            page(shell, &control, token, Some(&fields), problems).await
        }
    }
}

async fn page(
    shell: Look,
    control: &Control,
    token: String,
    fields: Option<&FormFields>,
    problems: Problems,
) -> Result<Response, ApiError> {
    let (invitation, problems) = match control
        .invitations()
        .show(&Secret::new(token.as_str()))
        .await
    {
        Ok(invitation) => (Some(invitation), problems),
        Err(refusal) => (None, Problems::of(refusal)?),
    };
    let given = invitation
        .as_ref()
        .map(|invitation| invitation.name.as_str());
    let name = fields.map_or(given, |fields| Some(fields.text("name")));
    let status = problems.status();
    let page = Accept {
        name: name.unwrap_or_default().to_owned(),
        shell,
        token,
        invitation,
        problems,
    };
    Ok(link::page(status, page))
}
