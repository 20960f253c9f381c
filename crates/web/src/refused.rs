//! Refusals as pages. Who is not signed in is led to do so.

use askama::Template;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Method, StatusCode};
use reoclo_control::SessionView;
use reoclo_domain::ErrorCode;
use reoclo_http::RefusedRequest;

use crate::form::{sentence, too_many_attempts, wait};
use crate::look::Look;
use crate::page::{Page, encoded, see_other};
use crate::shell::Shell;

/// What is said, to whomever.
struct Words<'r> {
    title: &'static str,
    detail: String,
    status: u16,
    code: ErrorCode,
    request_id: &'r str,
}

#[derive(Template)]
#[template(path = "refused.html")]
struct Refused<'r> {
    words: Words<'r>,
    shell: Look,
}

/// As [`Refused`], with the navigation of who is signed in.
#[derive(Template)]
#[template(path = "refused_inside.html")]
struct RefusedInside<'r> {
    words: Words<'r>,
    shell: Shell,
}

/// The page that shows a refusal, or the way to what is missing.
pub(crate) fn show(refused: RefusedRequest<'_>) -> BoxFuture<'_, Response> {
    async move { answer(&refused).await }.boxed()
}

async fn answer(refused: &RefusedRequest<'_>) -> Response {
    match refused.code {
        ErrorCode::MissingCredentials | ErrorCode::SessionExpired => to_sign_in(refused),
        ErrorCode::PasswordChangeRequired => see_other("/password"),
        _ => page(refused).await,
    }
}

/// Only a page that was looked at is come back to: a form was not taken.
fn to_sign_in(refused: &RefusedRequest<'_>) -> Response {
    if refused.method == Method::GET && refused.target != "/" {
        see_other(&format!("/sign-in?next={}", encoded(refused.target)))
    } else {
        see_other("/sign-in")
    }
}

async fn page(refused: &RefusedRequest<'_>) -> Response {
    let session = if keeps_frame(refused.status) {
        refused.session().await
    } else {
        None
    };
    let elsewhere = session
        .as_ref()
        .and_then(|session| elsewhere(refused, session));
    let words = Words {
        title: title(refused.status, refused.code),
        detail: detail(refused) + &elsewhere.unwrap_or_default(),
        status: refused.status.as_u16(),
        code: refused.code,
        request_id: refused.request_id,
    };
    if let Some(session) = session {
        let shell = Shell::around(session, refused);
        Page(refused.status.into(), RefusedInside { words, shell }).into_response()
    } else {
        let shell = Look::of(refused.headers);
        Page(refused.status.into(), Refused { words, shell }).into_response()
    }
}

/// Whoever is signed in goes on from there; where Reoclo itself is in trouble, nothing more is
/// asked of it.
fn keeps_frame(status: StatusCode) -> bool {
    status.is_client_error()
        && !matches!(
            status,
            StatusCode::UNAUTHORIZED
                | StatusCode::TOO_MANY_REQUESTS
                | StatusCode::MISDIRECTED_REQUEST
                | StatusCode::REQUEST_TIMEOUT
        )
}

/// An old tab or a link may be of another organization of the same person.
fn elsewhere(refused: &RefusedRequest<'_>, session: &SessionView) -> Option<String> {
    let may_be = refused.status == StatusCode::NOT_FOUND && session.memberships.len() > 1;
    may_be.then(|| {
        format!(
            " Or it is of another organization of yours: you are in {} now, and can switch in \
             the menu.",
            session.current.name
        )
    })
}

fn title(status: StatusCode, code: ErrorCode) -> &'static str {
    match status {
        StatusCode::FORBIDDEN if code == ErrorCode::FormOutdated => "This page is out of date",
        StatusCode::TOO_MANY_REQUESTS if code == ErrorCode::ServerBusy => "The server is busy",
        StatusCode::NOT_FOUND => "There is nothing here",
        StatusCode::FORBIDDEN => "This is not yours to do",
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            "That is not how this page is used"
        }
        StatusCode::CONFLICT => "That is not possible now",
        StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_REQUEST => "Something was not readable",
        StatusCode::TOO_MANY_REQUESTS => "That was too often",
        StatusCode::SERVICE_UNAVAILABLE => "Reoclo cannot do that right now",
        StatusCode::MISDIRECTED_REQUEST => "This address is not served here",
        _ => "Something went wrong",
    }
}

/// The sentences of the API speak of requests; those that people meet are said for them.
fn detail(refused: &RefusedRequest<'_>) -> String {
    match refused.code {
        ErrorCode::CsrfFailed => {
            "Your browser did not show that this form came from Reoclo's own page. \
                          Go back, reload the page and send it again."
                .to_owned()
        }
        // Whoever looks at a page has a role, and no key.
        ErrorCode::PermissionDenied => {
            let (missing, _) = refused.detail.split_once(' ').unwrap_or_default();
            format!("Your role does not have {missing}. Ask an admin for a role that does.")
        }
        ErrorCode::TooManyAttempts => {
            too_many_attempts(&wait(refused.retry_after.unwrap_or_default()))
        }
        ErrorCode::NotFound if refused.detail.starts_with("there is nothing") => {
            "The page may have moved, or the address has a mistake in it.".to_owned()
        }
        _ => sentence(refused.detail),
    }
}
