//! What a handler's signature says of its route: the request, the answer and its status. Nothing of
//! it is written down a second time, so that the document cannot say otherwise.

use axum::extract::State;
use axum::extract::rejection::PathRejection;
use http::{HeaderMap, StatusCode, Uri};
use reoclo_control::Authorized;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use crate::answer::Answers;
use crate::body::{JsonBody, NoBody, OptionalJsonBody};
use crate::operations::{OperationPath, Recheck};
use crate::path::ItemId;
use crate::public::Public;
use crate::query::QueryText;

/// A handler whose route is in the document.
///
/// A handler that answers who knows what has no such route:
///
/// ```compile_fail,E0277
/// use axum::response::Response;
/// use http::StatusCode;
/// use reoclo_http::{Doc, Public, Registrar};
///
/// async fn hello(_: Public) -> StatusCode { StatusCode::OK }
/// let _ = Registrar::default().get("/hello", Doc::new("Says hello."), hello);
/// ```
pub trait Documented<T> {
    /// What its arguments and its answer say.
    fn signature() -> Signature;
}

/// What a route takes and answers.
#[derive(Clone)]
pub struct Signature {
    pub(crate) request: Option<Shape>,
    pub(crate) answered: Answered,
}

/// A body by name, and how to collect its schemas.
#[derive(Clone, Copy)]
pub struct Shape {
    pub(crate) name: fn() -> String,
    pub(crate) collect: fn(&mut Schemas),
}

type Schemas = Vec<(String, RefOr<Schema>)>;

impl Shape {
    pub(crate) fn of<T: ToSchema>() -> Self {
        Self {
            name: || T::name().into_owned(),
            collect: |schemas| {
                schemas.push((T::name().into_owned(), T::schema()));
                T::schemas(schemas);
            },
        }
    }
}

/// An answer, when all is well.
#[derive(Clone)]
pub struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) content: Content,
    /// The same body with other statuses, for what each says.
    pub(crate) others: &'static [(u16, &'static str)],
}

/// What is in an answer.
#[derive(Clone, Copy)]
pub(crate) enum Content {
    /// A JSON object.
    One(Shape),
    /// A JSON array of them.
    Many(Shape),
    /// Nothing, or what is no JSON.
    Other,
}

impl Content {
    pub(crate) const fn shape(self) -> Option<Shape> {
        match self {
            Self::One(shape) | Self::Many(shape) => Some(shape),
            Self::Other => None,
        }
    }
}

impl Answered {
    pub(crate) const fn with(status: StatusCode, content: Content) -> Self {
        Self {
            status,
            content,
            others: &[],
        }
    }
}

/// The last argument of a handler: it alone can read the body. Each type says whether it does.
pub trait LastArgument {
    /// What it reads of the body, if that is in the document.
    fn request() -> Option<Shape> {
        None
    }
}

impl<T: ToSchema> LastArgument for JsonBody<T> {
    fn request() -> Option<Shape> {
        Some(Shape::of::<T>())
    }
}

impl<T: ToSchema + DeserializeOwned> LastArgument for OptionalJsonBody<T> {
    fn request() -> Option<Shape> {
        Some(Shape::of::<T>())
    }
}

impl LastArgument for NoBody {}
impl<P> LastArgument for Authorized<P> {}
impl LastArgument for Public {}
impl<S> LastArgument for State<S> {}
impl LastArgument for ItemId {}
impl LastArgument for OperationPath {}
impl<T> LastArgument for Result<T, PathRejection> {}
impl LastArgument for QueryText {}
impl<P> LastArgument for Recheck<P> {}
impl LastArgument for HeaderMap {}
impl LastArgument for Uri {}

macro_rules! documented {
    ($($argument:ident),*) => {
        impl<F, Fut, R, M, $($argument,)* Last> Documented<(M, $($argument,)* Last,)> for F
        where
            F: FnOnce($($argument,)* Last) -> Fut,
            Fut: Future<Output = R>,
            R: Answers,
            Last: LastArgument,
        {
            fn signature() -> Signature {
                Signature {
                    request: Last::request(),
                    answered: R::answered(),
                }
            }
        }
    };
}

documented!();
documented!(A);
documented!(A, B);
documented!(A, B, C);
documented!(A, B, C, D);
documented!(A, B, C, D, E);
documented!(A, B, C, D, E, G);
