//! Serves the pages that `reoclo-web` holds.

use axum::response::{IntoResponse, Response};
use http::header;
use reoclo_http::{Doc, Public, Registrar};
use reoclo_web::{Asset, CONTENT_SECURITY_POLICY, SETUP_PAGE, SETUP_SCRIPT, STYLE};

pub(crate) fn add(registrar: Registrar) -> Registrar {
    let doc = Doc::new("A page or a part of one.");
    registrar
        .get(SETUP_PAGE.path, doc.clone(), async |_: Public| {
            answer(SETUP_PAGE)
        })
        .get(SETUP_SCRIPT.path, doc.clone(), async |_: Public| {
            answer(SETUP_SCRIPT)
        })
        .get(STYLE.path, doc, async |_: Public| answer(STYLE))
}

fn answer(asset: Asset) -> Response {
    let headers = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, asset.content).into_response()
}
