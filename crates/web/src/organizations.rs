//! The organization's settings, and one's other organizations.

mod change;
mod create;

use reoclo_http::Registrar;

pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar
        .page("/organization", change::show)
        .page_post("/organization", change::change)
        .page("/organizations", create::show)
        .page_post("/organizations", create::create)
}
