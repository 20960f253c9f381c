//! Every route of the main listener.

use axum::Router;
use axum::middleware;
use reoclo_control::Requirement;
use reoclo_domain::Acl;

use crate::edge;
use crate::error::{ApiError, Malformed};
use crate::openapi;
use crate::registrar::{Registrar, Route};
use crate::state::AppState;
use crate::{
    address_sources, audit_logs, automation, identity, install, invitations, keys, operations,
    organizations, probes, registry_credentials, runner, servers, sessions, setup, users,
};

/// The surfaces, ready to serve, and the table of their routes.
pub struct Api {
    /// Answers every request.
    pub router: Router,
    /// What can be asked for, and what it demands.
    pub routes: Vec<Route>,
}

/// Builds every surface on `state`; `more` adds pages.
pub fn api(mut state: AppState, more: impl FnOnce(Registrar) -> Registrar) -> Api {
    let registrar = Registrar::default();
    let registrar = probes::add(registrar);
    let registrar = setup::add(registrar);
    let registrar = sessions::add(registrar);
    let registrar = servers::add(registrar);
    let registrar = users::add(registrar);
    let registrar = invitations::add(registrar);
    let registrar = organizations::add(registrar);
    let registrar = operations::add(registrar);
    let registrar = audit_logs::add(registrar);
    let registrar = openapi::add(registrar);
    let registrar = registry_credentials::add(registrar);
    let registrar = identity::add(registrar);
    let registrar = keys::add(registrar);
    let registrar = address_sources::add(registrar);
    let registrar = automation::add(registrar);
    let registrar = runner::add(registrar);
    let registrar = install::add(registrar);
    let (router, routes, refusal_page) = more(registrar).finish();
    state.refusal_page = refusal_page;
    state.served = served(&routes);
    state.openapi = openapi::document(&routes).into();
    Api {
        router: finish(router, state),
        routes,
    }
}

fn served(routes: &[Route]) -> Acl {
    let requirements = routes.iter().filter_map(|route| route.requirement);
    let cells = requirements.flat_map(|requirement| match requirement {
        Requirement::Cell(cell) => vec![cell],
        Requirement::Both(first, second) => vec![first, second],
        _ => Vec::new(),
    });
    cells.collect()
}

/// Adds what stands around every route.
pub(crate) fn finish(router: Router<AppState>, state: AppState) -> Router {
    router
        .fallback(async || ApiError::from(Malformed::UnknownPath))
        .method_not_allowed_fallback(async || ApiError::from(Malformed::Method))
        .layer(middleware::from_fn_with_state(state.clone(), edge::around))
        .with_state(state)
}
