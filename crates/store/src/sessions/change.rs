//! Using and ending sessions, and the password changes that end them.

use reoclo_domain::{Secret, SessionId, Timestamp, UserId};
use sqlx::AnyConnection;

use super::create::insert;
use super::{NewSession, SessionsEnded};
use crate::audit::NewAuditEvent;
use crate::error::{Conflict, StoreError};
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

struct TouchSessions(Vec<(SessionId, Timestamp)>);

impl Write for TouchSessions {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        for (session, at) in &self.0 {
            sql("UPDATE sessions SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2")
                .bind(*session)
                .bind(*at)
                .execute(work.connection().await?)
                .await?;
        }
        Ok(())
    }
}

struct EndSessions {
    user: UserId,
    ended: SessionsEnded,
    events: Vec<NewAuditEvent>,
}

impl Write for EndSessions {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        match self.ended {
            SessionsEnded::All => end_all(work.connection().await?, self.user).await?,
            SessionsEnded::One(session) => {
                sql("DELETE FROM sessions WHERE user_id = $1 AND id = $2")
                    .bind(self.user)
                    .bind(session)
                    .execute(work.connection().await?)
                    .await?;
            }
        }
        work.audit(&self.events);
        Ok(())
    }
}

/// Ends every session of a person.
pub(crate) async fn end_all(
    connection: &mut AnyConnection,
    user: UserId,
) -> Result<(), StoreError> {
    sql("DELETE FROM sessions WHERE user_id = $1")
        .bind(user)
        .execute(connection)
        .await?;
    Ok(())
}

/// A password to set.
#[derive(Clone, Debug)]
pub struct NewPassword {
    /// The hash, in PHC form.
    pub hash: Secret,
    /// Until when it is good, when somebody else chose it: its owner must change it.
    pub temporary_until: Option<Timestamp>,
    /// The hash that it takes the place of; with none, whatever is there.
    pub replaces: Option<Secret>,
}

struct SetPassword {
    user: UserId,
    password: NewPassword,
    session: Option<NewSession>,
    events: Vec<NewAuditEvent>,
}

impl Write for SetPassword {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        put_password(work.connection().await?, self.user, &self.password).await?;
        end_all(work.connection().await?, self.user).await?;
        if let Some(session) = &self.session {
            insert(work.connection().await?, session).await?;
        }
        work.audit(&self.events);
        Ok(())
    }
}

/// Sets a person's password, unless another has taken the place of the one that it replaces.
pub(crate) async fn put_password(
    connection: &mut AnyConnection,
    user: UserId,
    password: &NewPassword,
) -> Result<(), StoreError> {
    let changed = sql("UPDATE users SET password_hash = $2, temporary_until = $3
         WHERE id = $1 AND COALESCE(password_hash, '') = COALESCE($4, password_hash, '')")
    .bind(user)
    .bind(&password.hash)
    .bind(password.temporary_until)
    .bind(password.replaces.as_ref())
    .execute(connection)
    .await?;
    match (changed, &password.replaces) {
        (0, None) => Err(Conflict::Missing.into()),
        (0, Some(_)) => Err(Conflict::Changed.into()),
        _ => Ok(()),
    }
}

impl Store {
    /// Notes the last requests of sessions; those that have ended are ignored. Not audited.
    pub async fn touch_sessions(
        &self,
        seen: Vec<(SessionId, Timestamp)>,
    ) -> Result<(), StoreError> {
        if seen.is_empty() {
            return Ok(());
        }
        self.write(TouchSessions(seen)).await
    }

    /// Ends a person's sessions; from then on [`Store::find_session`] does not know them.
    pub async fn end_sessions(
        &self,
        user: UserId,
        ended: SessionsEnded,
        events: Vec<NewAuditEvent>,
    ) -> Result<(), StoreError> {
        let write = EndSessions {
            user,
            ended,
            events,
        };
        self.write(write).await
    }

    /// Sets a person's password and ends all their sessions; `session` is begun in their place.
    ///
    /// # Errors
    /// [`Conflict::Missing`] when there is no such person, [`Conflict::Changed`] when the password
    /// is no longer the one that it replaces.
    pub async fn set_password(
        &self,
        user: UserId,
        password: NewPassword,
        session: Option<NewSession>,
        events: Vec<NewAuditEvent>,
    ) -> Result<(), StoreError> {
        let write = SetPassword {
            user,
            password,
            session,
            events,
        };
        self.write(write).await
    }
}
