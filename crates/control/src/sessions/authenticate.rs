//! The check of a session at each request.

use reoclo_domain::{PlainToken, TokenHash};
use reoclo_store::{RequestSource, SessionRecord};

use super::session_token;
use crate::authenticate::PresentedSession;
use crate::refused_use::Wanted;
use crate::{Caller, Control, Refusal, Requirement};

impl Control {
    /// Says who is signed in: the session is known → not over → the person is still a member →
    /// the request is their own page's → they have chosen their password.
    pub(crate) async fn authenticate_session(
        &self,
        presented: PresentedSession<'_>,
        source: RequestSource,
        wanted: Wanted,
    ) -> Result<Caller, Refusal> {
        let token = session_token(presented.token).ok_or(Refusal::SessionExpired)?;
        let session = self.living_session(&token.hash()).await?;
        let role = session.role.ok_or(Refusal::SessionExpired)?;
        check_csrf(presented, &token)?;
        if session.must_change_password && wanted.permission != Requirement::OwnSession {
            return Err(Refusal::PasswordChangeRequired);
        }
        self.note_session_use(session.id, session.last_seen_at);
        Ok(Caller::person_of(session, role, source))
    }

    async fn living_session(&self, token: &TokenHash) -> Result<SessionRecord, Refusal> {
        let found = self.store().find_session(token).await?;
        let session = found.ok_or(Refusal::SessionExpired)?;
        let is_over = session.expires_at <= self.now() || session.last_seen_at <= self.idle_since();
        if is_over {
            return Err(Refusal::SessionExpired);
        }
        Ok(session)
    }
}

/// Another site can make a browser send the cookie, but it can neither read the session's own
/// token nor leave out the headers that name it.
fn check_csrf(presented: PresentedSession<'_>, token: &PlainToken) -> Result<(), Refusal> {
    if !presented.changes {
        return Ok(());
    }
    let shown = presented.csrf_token.unwrap_or_default();
    // Hashes are compared, so that the time it takes tells nothing of the token.
    let is_own = TokenHash::of(shown) == TokenHash::of(token.csrf_token().expose());
    if presented.same_site && is_own {
        Ok(())
    } else {
        Err(Refusal::CsrfFailed)
    }
}
