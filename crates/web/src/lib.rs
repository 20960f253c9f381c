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

use reoclo_http::Registrar;

pub use page::CONTENT_SECURITY_POLICY;

/// Adds every page.
#[must_use]
pub fn add(registrar: Registrar) -> Registrar {
    let registrar = registrar.refusals_as(refused::show);
    let registrar = assets::add(registrar);
    let registrar = setup::add(registrar);
    let registrar = sessions::add(registrar);
    let registrar = home::add(registrar);
    let registrar = keys::add(registrar);
    let registrar = address_sources::add(registrar);
    let registrar = servers::add(registrar);
    let registrar = operations::add(registrar);
    let registrar = registry_credentials::add(registrar);
    let registrar = users::add(registrar);
    let registrar = invitations::add(registrar);
    let registrar = organizations::add(registrar);
    let registrar = audit_logs::add(registrar);
    #[cfg(debug_assertions)]
    let registrar = styleguide::add(registrar);
    registrar
}
