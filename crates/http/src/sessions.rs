//! `/api/auth`: people sign in and out.

mod body;
pub(crate) mod cookie;
pub(crate) mod device;

use axum::extract::State;
use http::HeaderMap;
use reoclo_api_types::{
    PasswordRequest, SessionBody, SignInRequest, SignOutRequest, SwitchRequest,
};
use reoclo_control::{Authorized, Control, OwnSession, SignInForm};
use reoclo_domain::Secret;

use crate::answer::{Answer, Bytes, WithCookies};
use crate::body::{JsonBody, OptionalJsonBody};
use crate::edge::{SameSite, Source};
use crate::error::ApiError;
use crate::public::Public;
use crate::registrar::{Doc, Registrar};
use cookie::SessionCookie;

pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar
        .post(
            "/api/auth/sign-in",
            Doc::new("Sign in with an e-mail address and a password."),
            sign_in,
        )
        .get(
            "/api/auth/session",
            Doc::new("Who is signed in, and where."),
            show,
        )
        .post(
            "/api/auth/sign-out",
            Doc::new("End this session, or every one of the person."),
            sign_out,
        )
        .post(
            "/api/auth/switch",
            Doc::new("Go over to another of one's organizations."),
            switch_organization,
        )
        .post(
            "/api/auth/password",
            Doc::new("Change one's own password; every other session ends."),
            change_password,
        )
}

async fn sign_in(
    _: Public,
    _: SameSite,
    State(control): State<Control>,
    Source(source): Source,
    headers: HeaderMap,
    JsonBody(request): JsonBody<SignInRequest>,
) -> Result<WithCookies<Answer<SessionBody>>, ApiError> {
    let form = SignInForm {
        email: request.email,
        password: Secret::new(request.password),
        organization: request.organization,
        replaces: cookie::read(&headers).map(Secret::new),
        devices: device::devices(&headers),
    };
    let signed_in = control.sessions().sign_in(form, source).await?;
    Ok(body::signed_in(&control, &signed_in))
}

async fn show(
    proof: Authorized<OwnSession>,
    State(control): State<Control>,
) -> Result<Answer<SessionBody>, ApiError> {
    let session = control.sessions().show(&proof).await?;
    Ok(Answer(body::session(&session)))
}

async fn sign_out(
    proof: Authorized<OwnSession>,
    State(control): State<Control>,
    OptionalJsonBody(request): OptionalJsonBody<SignOutRequest>,
) -> Result<WithCookies<Bytes>, ApiError> {
    control
        .sessions()
        .sign_out(&proof, request.everywhere)
        .await?;
    Ok(body::signed_out(&control))
}

async fn switch_organization(
    proof: Authorized<OwnSession>,
    State(control): State<Control>,
    SessionCookie(token): SessionCookie,
    JsonBody(request): JsonBody<SwitchRequest>,
) -> Result<WithCookies<Answer<SessionBody>>, ApiError> {
    let organization = &request.organization;
    let signed_in = control
        .sessions()
        .switch_organization(&proof, &token, organization)
        .await?;
    Ok(body::signed_in(&control, &signed_in))
}

async fn change_password(
    proof: Authorized<OwnSession>,
    State(control): State<Control>,
    SessionCookie(token): SessionCookie,
    JsonBody(request): JsonBody<PasswordRequest>,
) -> Result<WithCookies<Answer<SessionBody>>, ApiError> {
    let current = Secret::new(request.current_password);
    let new = Secret::new(request.new_password);
    let signed_in = control
        .sessions()
        .change_password(&proof, &token, current, new)
        .await?;
    Ok(body::signed_in(&control, &signed_in))
}
