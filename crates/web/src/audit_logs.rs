//! The audit log, for people.

mod export;
mod filters;
mod line;
mod list;
mod verify;

use reoclo_control::AuditLogsRead;
use reoclo_http::Registrar;

use crate::pages::Pages;
pub(crate) use line::Line;

pub(crate) const PAGES: Pages =
    Pages::of(add).at::<AuditLogsRead>("/audit-log", "Audit Log", "audit");

fn add(registrar: Registrar) -> Registrar {
    registrar
        .page("/audit-log", list::show)
        .page("/audit-log/export", export::download)
        .page("/audit-log/verify", verify::show)
        .page_post("/audit-log/verify", verify::verify)
}
