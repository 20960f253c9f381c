//! Getting in and out: set-up, sign-in, one's password and organizations.

mod invitation;
mod link;
mod organizations;
mod password;
mod setup;
mod sign_in;
mod sign_out;

use reoclo_http::Registrar;

pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar
        .page("/setup", setup::show)
        .page_post("/setup", setup::complete)
        .page("/invitation", invitation::show)
        .page_post("/invitation", invitation::accept)
        .page("/sign-in", sign_in::show)
        .page_post("/sign-in", sign_in::sign_in)
        .page_post("/sign-out", sign_out::sign_out)
        .page("/password", password::show)
        .page_post("/password", password::change)
        .page("/organizations", organizations::show)
        .page_post("/organizations", organizations::create)
        .page_post("/switch", organizations::switch)
}
