//! What stands around the pages of somebody who is signed in.

use axum::extract::FromRequestParts;
use http::request::Parts;
use reoclo_control::{
    Authorized, AutomationKeysManage, Control, OrganizationManage, OwnSession, Permission,
    Requirement, SessionView,
};
use reoclo_domain::{Cell, Role, Timestamp};
use reoclo_http::{ApiError, AppState, QueryText, RefusedRequest};
use uuid::Uuid;

use crate::PAGES;
use crate::assets::{LIVE_PARTS, LIVE_SCRIPT};
use crate::look::Look;
use crate::moment::Moment;
use crate::pages::{Place, notice};

/// The frame of a page: who looks at it, and where they may go.
#[derive(Clone, Debug)]
pub(crate) struct Shell {
    /// Who is signed in, and where.
    pub(crate) session: SessionView,
    /// What was just done, on the page that a form leads to.
    pub(crate) notice: Option<&'static str>,
    /// The moment for which the page is made.
    pub(crate) now: Timestamp,
    /// The mark of a form on this page that is to be taken once.
    pub(crate) once: String,
    path: String,
    look: Look,
}

/// The proof of a permission, for whoever's role has it. Nobody is refused for what they did not
/// ask for: a page shows what it can.
pub(crate) struct IfHeld<P>(pub(crate) Option<Authorized<P>>);

impl<P: Permission> FromRequestParts<AppState> for IfHeld<P> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let own = Authorized::<OwnSession>::from_request_parts(parts, state).await?;
        Ok(Self(own.held()))
    }
}

/// Names one form among all.
fn mark(control: &Control) -> String {
    let mut bytes = [0; 16];
    control.entropy().fill(&mut bytes);
    Uuid::from_bytes(bytes).simple().to_string()
}

impl FromRequestParts<AppState> for Shell {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let proof = Authorized::<OwnSession>::from_request_parts(parts, state).await?;
        let query = QueryText::from_request_parts(parts, state).await?;
        let control = state.control();
        Ok(Self {
            session: control.sessions().show(&proof).await?,
            notice: notice(&query),
            now: control.clock().now(),
            once: mark(control),
            path: parts.uri.path().to_owned(),
            look: Look::of(&parts.headers),
        })
    }
}

impl Shell {
    /// The frame of a page that says why there is none.
    pub(crate) fn around(session: SessionView, refused: &RefusedRequest<'_>) -> Self {
        let (path, _) = refused
            .target
            .split_once('?')
            .unwrap_or((refused.target, ""));
        Self {
            session,
            notice: None,
            now: refused.control().clock().now(),
            once: mark(refused.control()),
            path: path.to_owned(),
            look: Look::of(refused.headers),
        }
    }

    /// Where this person may go.
    pub(crate) fn navigation(&self) -> impl Iterator<Item = &'static Place> {
        let places = PAGES.iter().filter_map(|pages| pages.place.as_ref());
        places.filter(|place| place.needs.met_by_role(self.role()))
    }

    /// Whether the page is that entry's or below it.
    pub(crate) fn is_at(&self, href: &str) -> bool {
        if href == "/" {
            return self.path == "/";
        }
        let rest = self.path.strip_prefix(href);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The hidden field of every form.
    pub(crate) fn csrf(&self) -> &str {
        self.session.csrf_token.expose()
    }

    /// A moment as people read it.
    pub(crate) const fn moment(&self, at: Timestamp) -> Moment {
        Moment { at, now: self.now }
    }

    pub(crate) const fn role(&self) -> Role {
        self.session.current.role
    }

    /// Whether the role of whoever looks has this cell.
    pub(crate) fn may(&self, cell: Cell) -> bool {
        Requirement::Cell(cell).met_by_role(self.role())
    }

    fn meets<P: Permission>(&self) -> bool {
        P::REQUIREMENT.met_by_role(self.role())
    }

    pub(crate) fn manages_automation_keys(&self) -> bool {
        self.meets::<AutomationKeysManage>()
    }

    pub(crate) fn manages_organization(&self) -> bool {
        self.meets::<OrganizationManage>()
    }

    pub(crate) const fn theme(&self) -> Option<&'static str> {
        self.look.theme()
    }

    pub(crate) fn style(&self) -> &'static str {
        self.look.style()
    }

    pub(crate) fn script(&self) -> &'static str {
        self.look.script()
    }

    /// Follows an operation.
    #[expect(clippy::unused_self, reason = "templates ask the page for it")]
    pub(crate) fn live_script(&self) -> &'static str {
        &LIVE_SCRIPT.path
    }

    /// What that script imports.
    #[expect(clippy::unused_self, reason = "templates ask the page for it")]
    pub(crate) fn live_parts(&self) -> impl Iterator<Item = &'static str> {
        LIVE_PARTS.iter().map(|(_, part)| part.path.as_str())
    }

    pub(crate) fn icon(&self) -> &'static str {
        self.look.icon()
    }
}
