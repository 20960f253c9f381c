//! Pages as answers.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use reoclo_control::Refusal;
use reoclo_http::ApiError;

/// No page runs a script or a style of anybody else, is framed, or sends a form elsewhere.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'";

/// A rendered page. Nobody keeps it, since it can hold what is shown once.
pub(crate) struct Page<T>(pub(crate) Standing, pub(crate) T);

/// The status of a page, and after how many seconds the same may be asked again.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Standing {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<u64>,
}

impl From<StatusCode> for Standing {
    fn from(status: StatusCode) -> Self {
        Self {
            status,
            retry_after: None,
        }
    }
}

impl<T> Page<T> {
    pub(crate) fn ok(template: T) -> Self {
        Self(StatusCode::OK.into(), template)
    }
}

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        match self.1.render() {
            Ok(html) => {
                let mut answer = html_answer(self.0.status, html);
                if let Some(seconds) = self.0.retry_after {
                    let headers = answer.headers_mut();
                    headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
                }
                answer
            }
            Err(error) => ApiError::from(Refusal::internal(error)).into_response(),
        }
    }
}

/// `same-origin` and not `no-referrer`: with that, browsers leave the `Origin` of a form out, by
/// which we know that it is ours.
fn html_answer(status: StatusCode, html: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    (status, headers, html).into_response()
}

/// Leads a browser on after a form: what it shows next is asked for anew.
pub(crate) fn see_other(path: &str) -> Response {
    let place = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    let headers = [
        (header::LOCATION, place),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// As [`see_other`], with a cookie.
pub(crate) fn see_other_with(path: &str, cookie: HeaderValue) -> Response {
    let mut response = see_other(path);
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    response
}

/// A text as the value of a query's parameter.
pub(crate) fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// A path of ours to go on to after signing in; everything else is the home page.
///
/// A browser takes `//host`, `/\host` and a path with control characters in it for another site.
pub(crate) fn local_path(text: &str) -> &str {
    let is_local = text.starts_with('/')
        && !text.starts_with("//")
        && text
            .chars()
            .all(|letter| letter.is_ascii_graphic() && letter != '\\');
    if is_local { text } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_paths_are_gone_on_to() {
        for path in [
            "/",
            "/servers",
            "/api-keys/automation?status=active",
            "/a//b",
        ] {
            assert_eq!(local_path(path), path);
        }
        for elsewhere in [
            "",
            "servers",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "/\n//evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/ /x",
            "/é",
        ] {
            assert_eq!(local_path(elsewhere), "/", "{elsewhere:?}");
        }
    }
}
