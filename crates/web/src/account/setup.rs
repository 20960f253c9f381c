use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use reoclo_control::{Control, SetupForm};
use reoclo_domain::Secret;
use reoclo_http::{ApiError, FormFields, Public, PublicForm, QueryReader, QueryText, Source};

use crate::form::Problems;
use crate::look::Look;
use crate::page::{Page, see_other};

#[derive(Template)]
#[template(path = "account/setup.html")]
struct Setup {
    shell: Look,
    token: String,
    name: String,
    email: String,
    problems: Problems,
}

/// Looking at it does not use the link up.
pub(super) async fn show(_: Public, shell: Look, query: QueryText) -> Response {
    let mut reader = QueryReader::new(&query);
    let page = Page::ok(Setup {
        shell,
        token: reader.text("token").unwrap_or_default(),
        name: String::new(),
        email: String::new(),
        problems: Problems::default(),
    });
    keep_address(page.into_response())
}

pub(super) async fn complete(
    _: Public,
    shell: Look,
    State(control): State<Control>,
    Source(source): Source,
    PublicForm(fields): PublicForm,
) -> Result<Response, ApiError> {
    let form = SetupForm {
        token: Secret::new(fields.text("token")),
        name: fields.text("name").to_owned(),
        email: fields.text("email").to_owned(),
        password: Secret::new(fields.text("password")),
    };
    match control.complete_setup(form, source).await {
        Ok(_) => Ok(see_other("/sign-in?notice=signed-up")),
        Err(refusal) => {
            let page = again(shell, &fields, Problems::of(refusal)?);
            Ok(keep_address(page.into_response()))
        }
    }
}

fn again(shell: Look, fields: &FormFields, problems: Problems) -> Page<Setup> {
    let setup = Setup {
        shell,
        token: fields.text("token").to_owned(),
        name: fields.text("name").to_owned(),
        email: fields.text("email").to_owned(),
        problems,
    };
    Page(setup.problems.status(), setup)
}

/// The address holds the link's token, so that nobody is told more than our origin.
pub(super) fn keep_address(mut response: Response) -> Response {
    let policy = HeaderValue::from_static("strict-origin");
    response
        .headers_mut()
        .insert(header::REFERRER_POLICY, policy);
    response
}
