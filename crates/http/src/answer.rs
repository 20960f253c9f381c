//! What handlers answer: a type says the status and the body, for the client and for the document.

use std::convert::Infallible;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::body::JsonAnswer;
use crate::error::ApiError;
use crate::signature::{Answered, Content, Shape};

/// What can stand behind a handler's `->`: the document says of its route what the type says.
pub trait Answers: IntoResponse {
    /// The status and the body.
    fn answered() -> Answered;
}

/// 200 with a body.
#[derive(Debug)]
pub(crate) struct Answer<B>(pub(crate) B);

/// 201 with what was created.
#[derive(Debug)]
pub(crate) struct Created<B>(pub(crate) B);

/// 200 with a list of bodies.
#[derive(Debug)]
pub(crate) struct List<B>(pub(crate) Vec<B>);

/// 204: it is done, and there is nothing to say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoContent;

/// Bytes that are no JSON object: a file, or a stream of lines.
#[derive(Debug)]
pub(crate) struct Bytes(pub(crate) Response);

/// Server-sent events.
#[derive(Debug)]
pub(crate) struct EventStream(pub(crate) Response);

/// An answer that sets cookies.
#[derive(Debug)]
pub(crate) struct WithCookies<A> {
    pub(crate) cookies: Vec<HeaderValue>,
    pub(crate) answer: A,
}

impl<B: Serialize> IntoResponse for Answer<B> {
    fn into_response(self) -> Response {
        JsonAnswer(StatusCode::OK, self.0).into_response()
    }
}

impl<B: Serialize + ToSchema> Answers for Answer<B> {
    fn answered() -> Answered {
        Answered::with(StatusCode::OK, Content::One(Shape::of::<B>()))
    }
}

impl<B: Serialize> IntoResponse for Created<B> {
    fn into_response(self) -> Response {
        JsonAnswer(StatusCode::CREATED, self.0).into_response()
    }
}

impl<B: Serialize + ToSchema> Answers for Created<B> {
    fn answered() -> Answered {
        Answered::with(StatusCode::CREATED, Content::One(Shape::of::<B>()))
    }
}

impl<B: Serialize> IntoResponse for List<B> {
    fn into_response(self) -> Response {
        JsonAnswer(StatusCode::OK, self.0).into_response()
    }
}

impl<B: Serialize + ToSchema> Answers for List<B> {
    fn answered() -> Answered {
        Answered::with(StatusCode::OK, Content::Many(Shape::of::<B>()))
    }
}

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl Answers for NoContent {
    fn answered() -> Answered {
        Answered::with(StatusCode::NO_CONTENT, Content::Other)
    }
}

impl IntoResponse for Bytes {
    fn into_response(self) -> Response {
        self.0
    }
}

impl Answers for Bytes {
    fn answered() -> Answered {
        Answered::with(StatusCode::OK, Content::Other)
    }
}

impl IntoResponse for EventStream {
    fn into_response(self) -> Response {
        self.0
    }
}

impl Answers for EventStream {
    fn answered() -> Answered {
        Answered::with(StatusCode::OK, Content::Other)
    }
}

impl<A: IntoResponse> IntoResponse for WithCookies<A> {
    fn into_response(self) -> Response {
        let mut answer = self.answer.into_response();
        for cookie in self.cookies {
            answer.headers_mut().append(header::SET_COOKIE, cookie);
        }
        answer
    }
}

impl<A: Answers> Answers for WithCookies<A> {
    fn answered() -> Answered {
        A::answered()
    }
}

/// A route that answers with errors alone so far.
impl Answers for Infallible {
    fn answered() -> Answered {
        Answered::with(StatusCode::OK, Content::Other)
    }
}

/// Errors are the same for every route.
impl<A: Answers> Answers for Result<A, ApiError> {
    fn answered() -> Answered {
        A::answered()
    }
}
