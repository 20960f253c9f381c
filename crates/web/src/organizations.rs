//! The organization's settings, and one's other organizations.

mod change;
mod create;

use reoclo_control::OwnSession;
use reoclo_http::Registrar;

use crate::pages::Pages;

pub(crate) const PAGES: Pages = Pages::of(add)
    .at::<OwnSession>("/organization", "Settings", "settings")
    .saying(&[
        ("organization-changed", "The settings are saved."),
        (
            "organization-created",
            "The organization is created: switch to it to work in it.",
        ),
    ]);

fn add(registrar: Registrar) -> Registrar {
    registrar
        .page("/organization", change::show)
        .page_post("/organization", change::change)
        .page("/organizations", create::show)
        .page_post("/organizations", create::create)
}
