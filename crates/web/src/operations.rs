//! Operations: the list, one with its output, running a command, and ending one.

mod cancel;
mod exec;
mod history;
mod line;
mod links;
mod list;
mod output;
mod show;
mod terminal;

use reoclo_control::ServersRead;
use reoclo_http::Registrar;

use crate::pages::Pages;
pub(crate) use line::Line;

pub(crate) const PAGES: Pages = Pages::of(add)
    .at::<ServersRead>("/operations", "Operations", "operations")
    .saying(&[("operation-cancelled", "The operation is asked to end.")]);

fn add(registrar: Registrar) -> Registrar {
    registrar
        .page("/operations", list::show)
        .page("/operations/{id}", show::show)
        .page_post("/operations/{id}/cancel", cancel::cancel)
        .page("/servers/{id}/run", exec::show)
        .page_post("/servers/{id}/run", exec::exec)
}
