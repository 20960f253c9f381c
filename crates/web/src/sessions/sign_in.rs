use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use reoclo_control::{Control, SignInForm};
use reoclo_domain::Secret;
use reoclo_http::{
    ApiError, Public, PublicForm, QueryReader, QueryText, Source, cookie_of_device,
    cookie_of_session, device_tokens, session_token,
};

use crate::form::Problems;
use crate::look::Look;
use crate::page::{Page, local_path, see_other_with};
use crate::pages::notice;

#[derive(Template)]
#[template(path = "sessions/sign_in.html")]
struct SignIn {
    shell: Look,
    email: String,
    next: String,
    notice: Option<&'static str>,
    problems: Problems,
}

pub(super) async fn show(_: Public, shell: Look, query: QueryText) -> Response {
    let mut reader = QueryReader::new(&query);
    let next = reader.text("next").unwrap_or_default();
    let page = SignIn {
        shell,
        email: String::new(),
        next: local_path(&next).to_owned(),
        notice: notice(&query),
        problems: Problems::default(),
    };
    Page::ok(page).into_response()
}

pub(super) async fn sign_in(
    _: Public,
    shell: Look,
    State(control): State<Control>,
    Source(source): Source,
    headers: HeaderMap,
    PublicForm(fields): PublicForm,
) -> Result<Response, ApiError> {
    let form = SignInForm {
        email: fields.text("email").to_owned(),
        password: Secret::new(fields.text("password")),
        organization: None,
        replaces: session_token(&headers).map(Secret::new),
        devices: device_tokens(&headers),
    };
    let next = local_path(fields.text("next"));
    match control.sessions().sign_in(form, source).await {
        Ok(signed_in) => {
            let next = if signed_in.session.must_change_password {
                "/password"
            } else {
                next
            };
            let cookie = cookie_of_session(&control, &signed_in);
            let mut answer = see_other_with(next, cookie);
            if let Some(device) = cookie_of_device(&signed_in) {
                answer.headers_mut().append(header::SET_COOKIE, device);
            }
            Ok(answer)
        }
        Err(refusal) => {
            let page = SignIn {
                shell,
                email: fields.text("email").to_owned(),
                next: next.to_owned(),
                notice: None,
                problems: Problems::of(refusal)?,
            };
            Ok(Page(page.problems.status(), page).into_response())
        }
    }
}
