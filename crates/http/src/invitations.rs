//! Invitations, `/api/invitations`, and accepting one, `/api/auth/invitation`.

use axum::extract::State;
use reoclo_api_types::{
    AcceptInvitationRequest, InvitationBody, InvitationPage, InvitationRequest, OpenInvitationBody,
    SetupAnswer,
};
use reoclo_control::{
    AcceptForm, Authorized, Control, Invited, OrganizationManage, UsersRead, UsersWrite,
};
use reoclo_domain::Secret;

use crate::answer::{Answer, Created, NoContent};
use crate::body::JsonBody;
use crate::edge::{SameSite, Source};
use crate::error::ApiError;
use crate::path::ItemId;
use crate::public::Public;
use crate::registrar::{Doc, Registrar};

const WHAT: &str = "the invitation";

pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar
        .get(
            "/api/invitations",
            Doc::new("The invitations that were not accepted yet."),
            list,
        )
        .post(
            "/api/invitations/{id}/link",
            Doc::new("Give an invitation a new link, shown once; the one before is dead."),
            renew,
        )
        .delete(
            "/api/invitations/{id}",
            Doc::new("Take an invitation back."),
            remove,
        )
        .post(
            "/api/auth/invitation",
            Doc::new("What the link of an invitation is good for."),
            show,
        )
        .post(
            "/api/auth/invitation/accept",
            Doc::new("Join an organization with the link of an invitation."),
            accept,
        )
}

async fn list(
    proof: Authorized<UsersRead>,
    State(control): State<Control>,
) -> Result<Answer<InvitationPage>, ApiError> {
    let invitations = control.invitations().list(&proof).await?.into_iter();
    let items = invitations.map(|invitation| {
        let link = None;
        body(&control, Invited { invitation, link })
    });
    Ok(Answer(InvitationPage {
        items: items.collect(),
    }))
}

async fn renew(
    proof: Authorized<OrganizationManage>,
    State(control): State<Control>,
    id: ItemId,
) -> Result<Answer<InvitationBody>, ApiError> {
    let invited = control
        .invitations()
        .renew(&proof, id.parse(WHAT)?, None)
        .await?;
    Ok(Answer(body(&control, invited)))
}

async fn remove(
    proof: Authorized<UsersWrite>,
    State(control): State<Control>,
    id: ItemId,
) -> Result<NoContent, ApiError> {
    control
        .invitations()
        .remove(&proof, id.parse(WHAT)?)
        .await?;
    Ok(NoContent)
}

async fn show(
    _: Public,
    _: SameSite,
    State(control): State<Control>,
    JsonBody(request): JsonBody<InvitationRequest>,
) -> Result<Answer<OpenInvitationBody>, ApiError> {
    let invitation = control
        .invitations()
        .show(&Secret::new(request.token))
        .await?;
    Ok(Answer(OpenInvitationBody {
        organization: invitation.organization,
        email: invitation.email,
        name: invitation.name,
        role: invitation.role.to_string(),
        has_account: invitation.has_account,
        expires_at: invitation.expires_at.to_string(),
    }))
}

async fn accept(
    _: Public,
    _: SameSite,
    State(control): State<Control>,
    Source(source): Source,
    JsonBody(request): JsonBody<AcceptInvitationRequest>,
) -> Result<Created<SetupAnswer>, ApiError> {
    let form = AcceptForm {
        token: Secret::new(request.token),
        name: request.name,
        password: Secret::new(request.password),
    };
    let (user, organization) = control.invitations().accept(form, source).await?;
    let answer = SetupAnswer {
        user_id: user.to_string(),
        organization_id: organization.to_string(),
    };
    Ok(Created(answer))
}

pub(crate) fn body(control: &Control, invited: Invited) -> InvitationBody {
    let invitation = invited.invitation;
    let is_over = invitation.expires_at <= control.clock().now();
    InvitationBody {
        id: invitation.id.to_string(),
        status: if is_over { "expired" } else { "invited" }.into(),
        email: invitation.email,
        name: invitation.name,
        role: invitation.role.to_string(),
        link: invited.link.map(|link| link.expose().to_owned()),
        created_at: invitation.created_at.to_string(),
        expires_at: invitation.expires_at.to_string(),
    }
}
