//! What pages need of HTTP: routes for people alone, forms, and refusals that people can read.

mod form;
mod refused;

use http::request::Parts;

pub use form::{FormFields, PageForm, PublicForm};
pub(crate) use refused::AskedPage;
pub use refused::{RefusalPage, RefusedRequest};

/// Marks the routes of pages, for the check of who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageRoute {
    /// A page that is looked at.
    Shown,
    /// It takes a form, whose reader checks the session's token among the fields.
    TakesForm,
}

impl PageRoute {
    pub(crate) fn of(parts: &Parts) -> Option<Self> {
        parts.extensions.get::<Self>().copied()
    }
}
