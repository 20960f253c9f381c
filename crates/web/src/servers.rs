//! Servers: the list, adding one, its page, and taking it out of use.

mod change;
mod choose_machine;
mod create;
mod list;
mod plots;
mod remove;
mod renew_enrolment;
mod show;

use std::collections::HashMap;

use reoclo_control::{ServerRecord, ServersRead};
use reoclo_http::Registrar;

use crate::pages::Pages;

/// The slug of each server and what it is called beside the others: with its slug where more than
/// one has its name.
pub(crate) fn told_apart(servers: &[ServerRecord]) -> Vec<(String, String)> {
    let mut many: HashMap<String, usize> = HashMap::new();
    for server in servers {
        *many.entry(server.name.to_lowercase()).or_default() += 1;
    }
    let called = |server: &ServerRecord| {
        let is_alone = many.get(&server.name.to_lowercase()) == Some(&1);
        let called = if is_alone {
            server.name.clone()
        } else {
            format!("{} ({})", server.name, server.slug)
        };
        (server.slug.clone(), called)
    };
    servers.iter().map(called).collect()
}

pub(crate) const PAGES: Pages = Pages::of(add)
    .at::<ServersRead>("/servers", "Servers", "servers")
    .saying(&[
        ("server-changed", "The server is renamed."),
        ("server-decommissioned", "The server is decommissioned: its runner's identity is dead."),
        ("machine-chosen", "It is decided which machine this server is. The runners of the others end when they try again."),
    ]);

fn add(registrar: Registrar) -> Registrar {
    registrar
        .page("/servers", list::show)
        .page_post("/servers", create::create)
        .page("/servers/new", create::show)
        .page("/servers/{id}", show::show)
        .page_post("/servers/{id}/enrolment-token", renew_enrolment::renew)
        .page_post("/servers/{id}/machine", choose_machine::choose)
        .page("/servers/{id}/edit", change::show)
        .page_post("/servers/{id}/edit", change::change)
        .page("/servers/{id}/decommission", remove::confirm)
        .page_post("/servers/{id}/decommission", remove::remove)
}
