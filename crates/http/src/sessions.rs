//! `/api/auth`: people sign in and out.

mod body;
pub(crate) mod cookie;
pub(crate) mod device;
mod handlers;

use reoclo_api_types::{
    PasswordRequest, SessionBody, SetupAnswer, SetupRequest, SignInRequest, SignOutRequest,
    SwitchRequest,
};

use crate::registrar::{Doc, Registrar};

pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar
        .post(
            "/api/auth/setup",
            Doc::new("Complete the first admin's account with the one-time set-up link.")
                .takes::<SetupRequest>()
                .answers::<SetupAnswer>(201),
            handlers::setup,
        )
        .post(
            "/api/auth/sign-in",
            Doc::new("Sign in with an e-mail address and a password.")
                .takes::<SignInRequest>()
                .answers::<SessionBody>(200),
            handlers::sign_in,
        )
        .get(
            "/api/auth/session",
            Doc::new("Who is signed in, and where.").answers::<SessionBody>(200),
            handlers::show,
        )
        .post(
            "/api/auth/sign-out",
            Doc::new("End this session, or every one of the person.").takes::<SignOutRequest>(),
            handlers::sign_out,
        )
        .post(
            "/api/auth/switch",
            Doc::new("Go over to another of one's organizations.")
                .takes::<SwitchRequest>()
                .answers::<SessionBody>(200),
            handlers::switch,
        )
        .post(
            "/api/auth/password",
            Doc::new("Change one's own password; every other session ends.")
                .takes::<PasswordRequest>()
                .answers::<SessionBody>(200),
            handlers::change_password,
        )
}
