//! Forms, as browsers send them without any script.

use axum::extract::{FromRequest, Request};
use http::{HeaderMap, header};
use reoclo_control::{InvalidFields, Refusal};
use reoclo_domain::OrganizationId;

use crate::body::read;
use crate::caller::KnownCaller;
use crate::edge::is_of_own_origin;
use crate::error::{ApiError, Malformed};
use crate::sessions::cookie;
use crate::state::AppState;

const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";
const CSRF_TOKEN: &str = "csrf_token";
/// Of which organization the page is; nothing relies on it but what a refusal says.
const PAGE_OF: &str = "page_of";

/// The form of somebody who is signed in, with their session's `csrf_token` among its fields.
#[derive(Debug)]
pub struct PageForm(
    /// The fields.
    pub FormFields,
);

/// The form of somebody who is not signed in; the browser must name our origin.
#[derive(Debug)]
pub struct PublicForm(
    /// The fields.
    pub FormFields,
);

/// The fields of a form in their order; names can come more than once.
#[derive(Clone, Debug, Default)]
pub struct FormFields(Vec<(String, String)>);

impl FromRequest<AppState> for PageForm {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let session = cookie::read(request.headers()).map(str::to_owned);
        let known = request.extensions().get::<KnownCaller>().cloned();
        let fields = fields(request).await?;
        let shown = fields.text(CSRF_TOKEN);
        match session {
            Some(session) if state.control.sessions().is_csrf_token(&session, shown) => {
                Ok(Self(fields))
            }
            Some(_) => Err(why_outdated(known.as_ref(), &fields).into()),
            None => Err(Refusal::CsrfFailed.into()),
        }
    }
}

/// That the form came from our own origin is known by now. A page of ours says of which
/// organization it is, so that one from before the session changed is told from a form that has no
/// page at all.
fn why_outdated(known: Option<&KnownCaller>, fields: &FormFields) -> Refusal {
    let Ok(of) = fields.text(PAGE_OF).parse::<OrganizationId>() else {
        return Refusal::CsrfFailed;
    };
    match known.and_then(KnownCaller::get) {
        Some(caller) if caller.organization() == of => Refusal::FormOutdated,
        Some(_) => Refusal::FormOfAnotherOrganization,
        None => Refusal::SessionExpired,
    }
}

impl FromRequest<AppState> for PublicForm {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        if !is_of_own_origin(request.headers(), &state.hosts) {
            return Err(Refusal::CsrfFailed.into());
        }
        fields(request).await.map(Self)
    }
}

async fn fields(request: Request) -> Result<FormFields, ApiError> {
    if !is_form(request.headers()) {
        return Err(Malformed::FormMediaType.into());
    }
    let bytes = read(request).await?;
    let fields: Vec<_> = form_urlencoded::parse(&bytes).into_owned().collect();
    // No field takes one, and no database can be asked for it.
    match fields.iter().find(|(_, value)| value.contains('\0')) {
        None => Ok(FormFields(fields)),
        Some((name, _)) => {
            let problem = "must not contain a NUL character";
            let invalid = InvalidFields::one(name.as_str(), problem);
            Err(Refusal::InvalidRequest(invalid).into())
        }
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let kind = value.and_then(|value| value.split(';').next());
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case(MEDIA_TYPE))
}

impl FormFields {
    /// The fields of a form that is shown with what is there.
    pub fn of<const N: usize>(fields: [(&str, String); N]) -> Self {
        let fields = fields.into_iter();
        Self(
            fields
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    }

    /// The first field of that name; one that is missing is empty.
    pub fn text(&self, name: &str) -> &str {
        let mut named = self.0.iter().filter(|(key, _)| key == name);
        named.next().map_or("", |(_, value)| value)
    }

    /// The first field of that name, unless it is missing or blank.
    pub fn filled(&self, name: &str) -> Option<&str> {
        Some(self.text(name).trim()).filter(|text| !text.is_empty())
    }

    /// The lines of the first field of that name; browsers end them as mail does.
    pub fn lines(&self, name: &str) -> String {
        self.text(name).trim().replace("\r\n", "\n")
    }

    /// Every field of that name that is not empty.
    pub fn all(&self, name: &str) -> Vec<String> {
        let named = self.0.iter().filter(|(key, _)| key == name);
        named
            .map(|(_, value)| value.clone())
            .filter(|value| !value.is_empty())
            .collect()
    }

    /// Whether a box of that name is ticked.
    pub fn is_set(&self, name: &str) -> bool {
        !self.text(name).is_empty()
    }

    /// Names and values in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}
