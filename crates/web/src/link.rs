//! Pages of links that work once: what their address and their form have in common.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use reoclo_domain::Secret;
use reoclo_http::{FormFields, QueryReader, QueryText};

use crate::page::{Page, Standing};

/// The token in the address of such a link.
pub(crate) fn token_in(query: &QueryText) -> String {
    let mut reader = QueryReader::new(query);
    reader.text("token").unwrap_or_default()
}

/// What a person fills in who has followed the link.
pub(crate) struct Filled {
    pub(crate) token: Secret,
    pub(crate) name: String,
    pub(crate) password: Secret,
}

impl Filled {
    pub(crate) fn of(fields: &FormFields) -> Self {
        Self {
            token: Secret::new(fields.text("token")),
            name: fields.text("name").to_owned(),
            password: Secret::new(fields.text("password")),
        }
    }
}

/// The address holds the link's token, so that nobody is told more than our origin.
pub(crate) fn page(standing: Standing, template: impl Template) -> Response {
    let mut response = Page(standing, template).into_response();
    let policy = HeaderValue::from_static("strict-origin");
    response
        .headers_mut()
        .insert(header::REFERRER_POLICY, policy);
    response
}
