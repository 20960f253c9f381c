//! Ending sessions.

use async_recursion::async_recursion as boxed;
use reoclo_domain::UserId;
use sqlx::AnyConnection;

use super::SessionsEnded;
use crate::audit::NewAuditEvent;
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

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

impl Store {
    /// Ends a person's sessions; from then on [`Store::find_session`] does not know them.
    #[boxed]
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
}
