//! `/api`: REST for integration keys.

mod openapi;
mod servers;
mod setup;

use reoclo_api_types::{ServerBody, SetupAnswer, SetupRequest};

use crate::registrar::{Doc, Registrar};

pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar
        .get(
            "/api/servers",
            Doc::new("List the organization's servers.").answers_list::<ServerBody>(),
            servers::list,
        )
        .post(
            "/api/auth/setup",
            Doc::new("Complete the first admin's account with the one-time set-up link.")
                .takes::<SetupRequest>()
                .answers::<SetupAnswer>(201),
            setup::complete,
        )
        .get(
            "/api/openapi.json",
            Doc::new("This document."),
            openapi::show,
        )
}
