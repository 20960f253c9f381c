//! The design system on one page, in debug builds.

use askama::Template;
use axum::response::{IntoResponse, Response};
use reoclo_http::{Public, Registrar};

use crate::look::Look;
use crate::page::Page;

use crate::pages::Pages;

#[derive(Template)]
#[template(path = "styleguide.html")]
struct Styleguide {
    shell: Look,
    colours: [&'static str; 12],
}

pub(crate) const PAGES: Pages = Pages::of(add);

fn add(registrar: Registrar) -> Registrar {
    registrar.page("/styleguide", show)
}

async fn show(_: Public, shell: Look) -> Response {
    let page = Styleguide {
        shell,
        colours: [
            "page", "card", "sunken", "hover", "ink", "soft", "line", "edge", "accent", "good",
            "warn", "bad",
        ],
    };
    Page::ok(page).into_response()
}
