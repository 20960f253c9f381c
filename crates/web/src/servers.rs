//! Servers: the list, adding one, its page, and taking it out of use.

mod add;
mod list;
mod machine;
mod plots;
mod remove;
mod rename;
mod renew;
mod show;

use reoclo_http::Registrar;

pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar
        .page("/servers", list::show)
        .page_post("/servers", add::add)
        .page("/servers/new", add::show)
        .page("/servers/{id}", show::show)
        .page_post("/servers/{id}/enrolment-token", renew::renew)
        .page_post("/servers/{id}/machine", machine::choose)
        .page("/servers/{id}/edit", rename::show)
        .page_post("/servers/{id}/edit", rename::rename)
        .page("/servers/{id}/decommission", remove::confirm)
        .page_post("/servers/{id}/decommission", remove::decommission)
}
