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
    /// The link is used, over, or was never made: there is nothing to fill in.
    is_dead: bool,
}

/// Looking at it does not use the link up.
pub(super) async fn show(
    _: Public,
    shell: Look,
    State(control): State<Control>,
    query: QueryText,
) -> Result<Response, ApiError> {
    let mut reader = QueryReader::new(&query);
    let token = reader.text("token").unwrap_or_default();
    let checked = control.check_setup_link(&Secret::new(token.as_str())).await;
    let problems = checked.map_or_else(Problems::of, |()| Ok(Problems::default()))?;
    let page = Setup {
        shell,
        token,
        name: String::new(),
        email: String::new(),
        is_dead: problems.has("token"),
        problems,
    };
    Ok(keep_address(
        Page(page.problems.status(), page).into_response(),
    ))
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
        is_dead: problems.has("token"),
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
