//! The dashboard: pages rendered on the server, which work without any script.
//!
//! A page's handler begins with the same `Authorized` proof as the API's and calls the same use
//! case. What a person may not use is not offered, and is refused all the same.
#![forbid(unsafe_code)]

mod account;
mod assets;
mod form;
mod look;
mod moment;
mod page;
mod refused;
mod shell;

use reoclo_http::Registrar;

pub use page::CONTENT_SECURITY_POLICY;

/// Adds every page.
#[must_use]
pub fn add(registrar: Registrar) -> Registrar {
    let registrar = registrar.refusals_as(refused::show);
    let registrar = assets::add(registrar);
    account::add(registrar)
}
