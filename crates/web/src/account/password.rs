use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{Authorized, Control, OwnSession};
use reoclo_domain::Secret;
use reoclo_http::{ApiError, PageForm, SessionCookie, cookie_of_session};

use crate::form::Problems;
use crate::page::{Page, see_other_with};
use crate::shell::Shell;

/// For somebody who must choose a password there is nothing else to go to.
#[derive(Template)]
#[template(path = "account/password.html")]
struct Password {
    shell: Shell,
    problems: Problems,
}

pub(super) async fn show(_: Authorized<OwnSession>, shell: Shell) -> Response {
    let problems = Problems::default();
    Page::ok(Password { shell, problems }).into_response()
}

pub(super) async fn change(
    proof: Authorized<OwnSession>,
    shell: Shell,
    State(control): State<Control>,
    SessionCookie(token): SessionCookie,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    let current = Secret::new(fields.text("current_password"));
    let new = Secret::new(fields.text("new_password"));
    match control.change_password(&proof, &token, current, new).await {
        Ok(signed_in) => {
            let cookie = cookie_of_session(&control, &signed_in);
            Ok(see_other_with("/?notice=password-changed", cookie))
        }
        Err(refusal) => {
            let problems = Problems::of(refusal)?;
            let status = problems.status();
            Ok(Page(status, Password { shell, problems }).into_response())
        }
    }
}
