//! Noting that sessions are used.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{SessionId, Timestamp};

use crate::error::StoreError;
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

impl Store {
    /// Notes the last requests of sessions; those that have ended are ignored. Not audited.
    #[boxed]
    pub async fn touch_sessions(
        &self,
        seen: Vec<(SessionId, Timestamp)>,
    ) -> Result<(), StoreError> {
        if seen.is_empty() {
            return Ok(());
        }
        self.write(TouchSessions(seen)).await
    }
}
