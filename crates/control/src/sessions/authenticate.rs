//! The check of a session at each request.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{PlainToken, TokenHash};
use reoclo_store::{RequestSource, SessionRecord};

use super::Sessions;
use super::session_token;
use crate::presented::{MadeBy, PresentedSession};
use crate::{Caller, Refusal};

impl Sessions<'_> {
    /// Says who is signed in: the session is known → not over → the person is still a member →
    /// the request is their own page's.
    pub(crate) async fn authenticate(
        self,
        presented: PresentedSession<'_>,
        source: RequestSource,
    ) -> Result<Caller, Refusal> {
        let token = session_token(presented.token).ok_or(Refusal::SessionExpired)?;
        let session = self.living_session(&token.hash()).await?;
        let role = session.role.ok_or(Refusal::SessionExpired)?;
        check_csrf(presented, &token)?;
        self.touches
            .note(session.id, session.last_seen_at, self.core.now());
        Ok(Caller::person_of(session, role, &token, source))
    }

    /// Whether `shown` is the `csrf_token` of the session with this token.
    pub fn is_csrf_token(self, session: &str, shown: &str) -> bool {
        session_token(session).is_some_and(|session| is_csrf_token_of(&session, shown))
    }

    /// Which of these texts is the token of a session that is not over: the first that is.
    #[boxed]
    pub async fn first_living(&self, texts: &[String]) -> Option<usize> {
        let tokens = texts.iter().enumerate();
        let tokens = tokens.filter_map(|(at, text)| Some((at, session_token(text)?.hash())));
        let tokens: Vec<(usize, TokenHash)> = tokens.collect();
        let hashes: Vec<TokenHash> = tokens.iter().map(|(_, hash)| *hash).collect();
        let sessions = self.core.store().find_sessions(&hashes).await.ok()?;
        let is_alive = |hash: &TokenHash| {
            let mut sessions = sessions.iter();
            sessions.any(|(of, session)| of == hash && !self.is_over(session))
        };
        let mut tokens = tokens.into_iter();
        tokens.find(|(_, hash)| is_alive(hash)).map(|(at, _)| at)
    }

    async fn living_session(self, token: &TokenHash) -> Result<SessionRecord, Refusal> {
        let found = self.core.store().find_session(token).await?;
        let session = found.filter(|session| !self.is_over(session));
        session.ok_or(Refusal::SessionExpired)
    }

    fn is_over(self, session: &SessionRecord) -> bool {
        session.expires_at <= self.core.now() || session.last_seen_at <= self.idle_since()
    }
}

/// Another site can make a browser send the cookie, but it can neither read the session's own
/// token nor leave out the headers that name it.
fn check_csrf(presented: PresentedSession<'_>, token: &PlainToken) -> Result<(), Refusal> {
    let is_ours = match presented.made_by {
        MadeBy::Script {
            csrf_token,
            same_site,
        } => same_site && is_csrf_token_of(token, csrf_token.unwrap_or_default()),
        MadeBy::Form { of_own_origin } => of_own_origin,
    };
    if is_ours || !presented.changes {
        Ok(())
    } else {
        Err(Refusal::CsrfFailed)
    }
}

/// Hashes are compared, so that the time it takes tells nothing of the token.
fn is_csrf_token_of(session: &PlainToken, shown: &str) -> bool {
    TokenHash::of(shown) == TokenHash::of(session.csrf_token().expose())
}
