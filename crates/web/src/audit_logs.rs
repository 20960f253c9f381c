//! The audit log, for people.

mod filters;
mod line;
mod list;

use reoclo_http::Registrar;

pub(crate) use line::Line;

pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar.page("/audit-log", list::show)
}
