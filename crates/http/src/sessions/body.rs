use http::StatusCode;
use reoclo_api_types::{SessionBody, SessionOrganizationBody, SessionUserBody};
use reoclo_control::{Control, Membership, SessionView, SignedIn};

use super::{cookie, device};
use crate::answer::{Answer, Bytes, WithCookies};
use crate::body::json_response;

/// The session, with its cookie.
pub(super) fn signed_in(
    control: &Control,
    signed_in: &SignedIn,
) -> WithCookies<Answer<SessionBody>> {
    let cookie = cookie::of_session(control, signed_in);
    let device = device::of_device(signed_in);
    WithCookies {
        cookies: [cookie].into_iter().chain(device).collect(),
        answer: Answer(session(&signed_in.session)),
    }
}

/// Nothing, and no cookie any more.
pub(super) fn signed_out(control: &Control) -> WithCookies<Bytes> {
    let body = r#"{"signed_out":true}"#;
    WithCookies {
        cookies: vec![cookie::of_nobody(control)],
        answer: Bytes(json_response(StatusCode::OK, body)),
    }
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
