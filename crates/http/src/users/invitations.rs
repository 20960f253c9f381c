use axum::extract::State;
use http::StatusCode;
use reoclo_api_types::{
    AcceptInvitationRequest, InvitationBody, InvitationPage, InvitationRequest, OpenInvitationBody,
    SetupAnswer,
};
use reoclo_control::{
    AcceptForm, Authorized, Control, Invited, OrganizationManage, UsersRead, UsersWrite,
};
use reoclo_domain::Secret;

use super::body;
use crate::body::{JsonAnswer, JsonBody};
use crate::edge::{SameSite, Source};
use crate::error::ApiError;
use crate::path::ItemId;
use crate::public::Public;

const WHAT: &str = "the invitation";

pub(super) async fn list(
    proof: Authorized<UsersRead>,
    State(control): State<Control>,
) -> Result<JsonAnswer<InvitationPage>, ApiError> {
    let invitations = control.invitations(&proof).await?.into_iter();
    let items = invitations.map(|invitation| {
        let link = None;
        body::invited(&control, Invited { invitation, link })
    });
    Ok(JsonAnswer::ok(InvitationPage {
        items: items.collect(),
    }))
}

pub(super) async fn renew(
    proof: Authorized<OrganizationManage>,
    State(control): State<Control>,
    id: ItemId,
) -> Result<JsonAnswer<InvitationBody>, ApiError> {
    let invited = control
        .renew_invitation(&proof, id.parse(WHAT)?, None)
        .await?;
    Ok(JsonAnswer::ok(body::invited(&control, invited)))
}

pub(super) async fn withdraw(
    proof: Authorized<UsersWrite>,
    State(control): State<Control>,
    id: ItemId,
) -> Result<StatusCode, ApiError> {
    control.withdraw_invitation(&proof, id.parse(WHAT)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn look(
    _: Public,
    _: SameSite,
    State(control): State<Control>,
    JsonBody(request): JsonBody<InvitationRequest>,
) -> Result<JsonAnswer<OpenInvitationBody>, ApiError> {
    let invitation = control.invitation(&Secret::new(request.token)).await?;
    Ok(JsonAnswer::ok(OpenInvitationBody {
        organization: invitation.organization,
        email: invitation.email,
        name: invitation.name,
        role: invitation.role.to_string(),
        has_account: invitation.has_account,
        expires_at: invitation.expires_at.to_string(),
    }))
}

pub(super) async fn accept(
    _: Public,
    _: SameSite,
    State(control): State<Control>,
    Source(source): Source,
    JsonBody(request): JsonBody<AcceptInvitationRequest>,
) -> Result<JsonAnswer<SetupAnswer>, ApiError> {
    let form = AcceptForm {
        token: Secret::new(request.token),
        name: request.name,
        password: Secret::new(request.password),
    };
    let (user, organization) = control.accept_invitation(form, source).await?;
    let answer = SetupAnswer {
        user_id: user.to_string(),
        organization_id: organization.to_string(),
    };
    Ok(JsonAnswer(StatusCode::CREATED, answer))
}
