//! People's sessions: signing in and out, and the check of a session at each request.

mod attempts;
mod authenticate;
mod change_password;
mod failed;
mod known;
mod show;
mod sign_in;
mod sign_out;
mod switch;
mod touches;
mod waiting;

use crate::core::Core;
use crate::passwords::PasswordHashing;
use crate::refused_use::Refusals;
use crate::settings::Settings;
use std::time::Duration;

use reoclo_domain::{OrganizationId, PlainToken, Secret, SessionId, Timestamp, TokenKind, UserId};
use reoclo_store::{Membership, NewSession, RequestSource};

pub(crate) use attempts::Attempts;
pub use failed::SignInStatistics;
pub(crate) use failed::{FailedSignIns, NotLetIn};
pub use sign_in::SignInForm;
pub(crate) use touches::SessionTouches;
pub(crate) use waiting::Waiting;

/// A session is over this long after signing in, however much it is used.
const LIFETIME: Duration = Duration::from_hours(14 * 24);
/// A session that is not used for this long is over.
const IDLE: Duration = Duration::from_hours(24);

/// A session that was just begun; the token goes into the cookie and nowhere else.
#[derive(Debug)]
pub struct SignedIn {
    /// The cookie's value.
    pub token: PlainToken,
    /// What the person is told.
    pub session: SessionView,
    /// What the browser is to keep, so that it is known when its person signs in again; none when
    /// it has it.
    pub device: Option<Secret>,
}

/// A session as its person sees it.
#[derive(Clone, Debug)]
pub struct SessionView {
    /// Who it is.
    pub user: UserId,
    /// The address that they sign in with.
    pub email: String,
    /// Their name.
    pub name: String,
    /// The organization that the session works in.
    pub current: Membership,
    /// Every organization that they are in.
    pub memberships: Vec<Membership>,
    /// What a request that changes something shows.
    pub csrf_token: Secret,
    /// Nothing else is answered until they have chosen a password.
    pub must_change_password: bool,
    /// They may create organizations.
    pub may_create_organizations: bool,
    /// When the session is over at the latest.
    pub expires_at: Timestamp,
}

/// The sessions of people.
#[derive(Clone, Copy)]
pub struct Sessions<'c> {
    pub(crate) core: &'c Core,
    pub(crate) settings: &'c Settings,
    pub(crate) passwords: &'c PasswordHashing,
    pub(crate) attempts: &'c Attempts,
    pub(crate) failed: &'c FailedSignIns,
    pub(crate) waiting: &'c Waiting,
    pub(crate) touches: &'c SessionTouches,
    pub(crate) refusals: Refusals<'c>,
}

impl Sessions<'_> {
    /// A session to store, and the token to give away.
    fn new_session(
        self,
        user: UserId,
        organization: OrganizationId,
        expires_at: Timestamp,
        source: &RequestSource,
    ) -> (NewSession, PlainToken) {
        let token = PlainToken::generate(TokenKind::Session, self.core.entropy());
        let session = NewSession {
            id: SessionId::new(self.core.clock(), self.core.entropy()),
            token: token.hash(),
            user,
            organization,
            created_at: self.core.now(),
            expires_at,
            ip: source.ip,
            user_agent: source.user_agent.clone(),
        };
        (session, token)
    }

    fn idle_since(self) -> Timestamp {
        self.core.now().minus(IDLE)
    }
}

/// The token of a session's cookie, if it is one.
fn session_token(text: &str) -> Option<PlainToken> {
    let token = PlainToken::parse(text).ok()?;
    (token.kind() == TokenKind::Session).then_some(token)
}
