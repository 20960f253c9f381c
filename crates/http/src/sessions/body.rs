use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use reoclo_api_types::{SessionBody, SessionOrganizationBody, SessionUserBody};
use reoclo_control::{Control, Membership, SessionView, SignedIn};

use super::{cookie, device};
use crate::body::JsonAnswer;

/// The session, with its cookie.
pub(super) fn signed_in(control: &Control, signed_in: &SignedIn) -> Response {
    let cookie = cookie::of_session(control, signed_in);
    let body = JsonAnswer(StatusCode::OK, session(&signed_in.session));
    let mut answer = ([(header::SET_COOKIE, cookie)], body).into_response();
    if let Some(device) = device::of_device(signed_in) {
        answer.headers_mut().append(header::SET_COOKIE, device);
    }
    answer
}

/// Nothing, and no cookie any more.
pub(super) fn signed_out(control: &Control) -> Response {
    let cookie = cookie::of_nobody(control);
    let body = JsonAnswer(StatusCode::OK, serde_json::json!({ "signed_out": true }));
    ([(header::SET_COOKIE, cookie)], body).into_response()
}

pub(super) fn session(session: &SessionView) -> SessionBody {
    SessionBody {
        user: SessionUserBody {
            id: session.user.to_string(),
            email: session.email.clone(),
            name: session.name.clone(),
            must_change_password: session.must_change_password,
            may_create_organizations: session.may_create_organizations,
        },
        organization: organization(&session.current),
        organizations: session.memberships.iter().map(organization).collect(),
        csrf_token: session.csrf_token.expose().to_owned(),
        expires_at: session.expires_at.to_string(),
    }
}

fn organization(membership: &Membership) -> SessionOrganizationBody {
    SessionOrganizationBody {
        id: membership.organization.to_string(),
        slug: membership.slug.clone(),
        name: membership.name.clone(),
        role: membership.role.to_string(),
    }
}
