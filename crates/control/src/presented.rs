//! What came with a request.

use std::sync::{Arc, OnceLock};

use reoclo_domain::{RateVerdict, Timestamp};
use reoclo_store::RequestSource;

use crate::Asked;

/// What came with a request.
#[derive(Clone, Debug, Default)]
pub struct Presented<'a> {
    /// What stood behind `Bearer`, if the header was there; it comes before a session.
    pub bearer: Option<&'a str>,
    /// The session's cookie, where one counts.
    pub session: Option<PresentedSession<'a>>,
    /// Where the request came from.
    pub source: RequestSource,
    /// What it asks for, should it be refused.
    pub asked: Asked,
    /// Takes what the answer's headers tell about the key.
    pub notes: Arc<KeyNotes>,
}

/// A session's cookie, with what tells that the request was made by a page of ours.
#[derive(Clone, Copy, Debug)]
pub struct PresentedSession<'a> {
    /// The session's token.
    pub token: &'a str,
    /// The request can change something.
    pub changes: bool,
    /// What tells that a page of ours made the request.
    pub made_by: MadeBy<'a>,
}

/// What tells that a page of ours made a request, and not another site's.
#[derive(Clone, Copy, Debug)]
pub enum MadeBy<'a> {
    /// A script of ours: it sends the session's own `csrf_token`, and no header says otherwise.
    Script {
        /// The token as it came back.
        csrf_token: Option<&'a str>,
        /// No header says that another site made the request.
        same_site: bool,
    },
    /// A form of ours: the browser names our origin, and the token comes with the fields. Whoever
    /// reads these holds it against the session's, with [`Sessions::is_csrf_token`](crate::Sessions::is_csrf_token).
    Form {
        /// The browser named our origin, and no header says otherwise.
        of_own_origin: bool,
    },
}

/// Where the check leaves what the answer's headers tell about the key.
#[derive(Debug, Default)]
pub struct KeyNotes {
    /// What is left of its rate limit, where the request counted.
    pub rate: OnceLock<RateVerdict>,
    /// When it ends, where that is soon.
    pub expires_soon_at: OnceLock<Timestamp>,
}
