//! The dashboard: pages rendered on the server, which work without any script.
//!
//! A page's handler begins with the same `Authorized` proof as the API's and calls the same use
//! case. What a person may not use is not offered, and is refused all the same.
#![forbid(unsafe_code)]

mod address_sources;
mod assets;
mod audit_logs;
mod form;
mod home;
mod invitations;
mod keys;
mod link;
mod look;
mod moment;
mod once;
mod operations;
mod organizations;
mod page;
mod pages;
mod refused;
mod registry_credentials;
mod servers;
mod sessions;
mod setup;
mod shell;
#[cfg(debug_assertions)]
mod styleguide;
mod users;
mod visible;
mod words;

// Templates ask for cells by it.
pub(crate) use reoclo_domain::Cell;
use reoclo_http::Registrar;

pub use page::CONTENT_SECURITY_POLICY;
use pages::Pages;

/// All pages; those with a place in the navigation in its order.
const PAGES: &[Pages] = &[
    home::PAGES,
    servers::PAGES,
    operations::PAGES,
    keys::PAGES,
    address_sources::PAGES,
    registry_credentials::PAGES,
    users::PAGES,
    invitations::PAGES,
    audit_logs::PAGES,
    organizations::PAGES,
    setup::PAGES,
    sessions::PAGES,
    assets::PAGES,
    #[cfg(debug_assertions)]
    styleguide::PAGES,
];

/// Adds every page.
#[must_use]
pub fn add(registrar: Registrar) -> Registrar {
    let registrar = registrar.refusals_as(refused::show);
    PAGES
        .iter()
        .fold(registrar, |registrar, pages| (pages.add)(registrar))
}
