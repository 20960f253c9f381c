use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use reoclo_api_types::{
    PasswordRequest, SessionBody, SetupAnswer, SetupRequest, SignInRequest, SignOutRequest,
    SwitchRequest,
};
use reoclo_control::{Authorized, Control, OwnSession, SetupForm, SignInForm};
use reoclo_domain::Secret;

use super::body;
use super::cookie::{self, SessionCookie};
use super::device;
use crate::body::{JsonAnswer, JsonBody, OptionalJsonBody};
use crate::edge::{SameSite, Source};
use crate::error::ApiError;
use crate::public::Public;

pub(super) async fn setup(
    _: Public,
    _: SameSite,
    State(control): State<Control>,
    Source(source): Source,
    JsonBody(request): JsonBody<SetupRequest>,
) -> Result<JsonAnswer<SetupAnswer>, ApiError> {
    let form = SetupForm {
        token: Secret::new(request.token),
        name: request.name,
        email: request.email,
        password: Secret::new(request.password),
    };
    let (user, organization) = control.complete_setup(form, source).await?;
    let answer = SetupAnswer {
        user_id: user.to_string(),
        organization_id: organization.to_string(),
    };
    Ok(JsonAnswer(StatusCode::CREATED, answer))
}

pub(super) async fn sign_in(
    _: Public,
    _: SameSite,
    State(control): State<Control>,
    Source(source): Source,
    headers: HeaderMap,
    JsonBody(request): JsonBody<SignInRequest>,
) -> Result<Response, ApiError> {
    let form = SignInForm {
        email: request.email,
        password: Secret::new(request.password),
        organization: request.organization,
        replaces: cookie::read(&headers).map(Secret::new),
        devices: device::devices(&headers),
    };
    let signed_in = control.sign_in(form, source).await?;
    Ok(body::signed_in(&control, &signed_in))
}

pub(super) async fn show(
    proof: Authorized<OwnSession>,
    State(control): State<Control>,
) -> Result<JsonAnswer<SessionBody>, ApiError> {
    let session = control.show_session(&proof).await?;
    Ok(JsonAnswer::ok(body::session(&session)))
}

pub(super) async fn sign_out(
    proof: Authorized<OwnSession>,
    State(control): State<Control>,
    OptionalJsonBody(request): OptionalJsonBody<SignOutRequest>,
) -> Result<Response, ApiError> {
    control.sign_out(&proof, request.everywhere).await?;
    Ok(body::signed_out(&control))
}

pub(super) async fn switch(
    proof: Authorized<OwnSession>,
    State(control): State<Control>,
    SessionCookie(token): SessionCookie,
    JsonBody(request): JsonBody<SwitchRequest>,
) -> Result<Response, ApiError> {
    let organization = &request.organization;
    let signed_in = control
        .switch_organization(&proof, &token, organization)
        .await?;
    Ok(body::signed_in(&control, &signed_in))
}

pub(super) async fn change_password(
    proof: Authorized<OwnSession>,
    State(control): State<Control>,
    SessionCookie(token): SessionCookie,
    JsonBody(request): JsonBody<PasswordRequest>,
) -> Result<Response, ApiError> {
    let current = Secret::new(request.current_password);
    let new = Secret::new(request.new_password);
    let signed_in = control
        .change_password(&proof, &token, current, new)
        .await?;
    Ok(body::signed_in(&control, &signed_in))
}
