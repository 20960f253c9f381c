//! The pages of the dashboard.

use reoclo_http::Registrar;

pub(crate) fn add(registrar: Registrar) -> Registrar {
    reoclo_web::add(registrar)
}
