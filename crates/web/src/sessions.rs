//! Signing in and out, one's password, and going over to another of one's organizations.

mod change_password;
mod sign_in;
mod sign_out;
mod switch_organization;

use reoclo_http::Registrar;

use crate::pages::Pages;

pub(crate) const PAGES: Pages = Pages::of(add).saying(&[
    ("signed-out", "You are signed out."),
    ("signed-out-everywhere", "You are signed out everywhere."),
    (
        "password-changed",
        "Your password is changed. Every other session of yours has ended.",
    ),
]);

fn add(registrar: Registrar) -> Registrar {
    registrar
        .page("/sign-in", sign_in::show)
        .page_post("/sign-in", sign_in::sign_in)
        .page_post("/sign-out", sign_out::sign_out)
        .page("/password", change_password::show)
        .page_post("/password", change_password::change_password)
        .page_post("/switch", switch_organization::switch_organization)
}
