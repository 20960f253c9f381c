//! Signing in and out, one's password, and going over to another of one's organizations.

mod change_password;
mod sign_in;
mod sign_out;
mod switch_organization;

use reoclo_http::Registrar;

pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar
        .page("/sign-in", sign_in::show)
        .page_post("/sign-in", sign_in::sign_in)
        .page_post("/sign-out", sign_out::sign_out)
        .page("/password", change_password::show)
        .page_post("/password", change_password::change_password)
        .page_post("/switch", switch_organization::switch_organization)
}
