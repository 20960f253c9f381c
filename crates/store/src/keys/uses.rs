//! Who uses a key, from where, and since when (DESIGN rule 6).

use std::net::IpAddr;

use reoclo_domain::Timestamp;
use sqlx::AnyConnection;

use super::KeyRef;
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

/// That a key was used from an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// The key.
    pub key: KeyRef,
    /// The last time.
    pub at: Timestamp,
    /// The last address.
    pub ip: IpAddr,
    /// What the last client called itself.
    pub user_agent: String,
    /// How often.
    pub count: i64,
}

struct RecordKeyUses(Vec<KeyUse>);

impl Write for RecordKeyUses {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        for key_use in &self.0 {
            if key_use.set_last(work.connection).await? {
                key_use.count(work.connection).await?;
            }
        }
        Ok(())
    }
}

impl KeyUse {
    /// Notes the use on the key, unless a later one is noted. `false` for an unknown key.
    async fn set_last(&self, connection: &mut AnyConnection) -> Result<bool, StoreError> {
        let found = sql("UPDATE api_keys SET
                 last_used_ip = CASE WHEN last_used_at > $2 THEN last_used_ip ELSE $3 END,
                 last_used_user_agent =
                     CASE WHEN last_used_at > $2 THEN last_used_user_agent ELSE $4 END,
                 last_used_at = CASE WHEN last_used_at > $2 THEN last_used_at ELSE $2 END
             WHERE id = $1")
        .bind(self.key.as_uuid())
        .bind(self.at)
        .bind(self.ip)
        .bind(self.user_agent.as_str())
        .execute(connection)
        .await?;
        Ok(found > 0)
    }

    async fn count(&self, connection: &mut AnyConnection) -> Result<(), StoreError> {
        sql(
            "INSERT INTO key_uses (key_id, ip, uses, first_used_at, last_used_at, user_agent)
             VALUES ($1, $2, $3, $4, $4, $5)
             ON CONFLICT (key_id, ip) DO UPDATE SET
                 uses = key_uses.uses + excluded.uses,
                 user_agent = CASE WHEN key_uses.last_used_at > excluded.last_used_at
                     THEN key_uses.user_agent ELSE excluded.user_agent END,
                 first_used_at = CASE WHEN key_uses.first_used_at < excluded.first_used_at
                     THEN key_uses.first_used_at ELSE excluded.first_used_at END,
                 last_used_at = CASE WHEN key_uses.last_used_at > excluded.last_used_at
                     THEN key_uses.last_used_at ELSE excluded.last_used_at END",
        )
        .bind(self.key.as_uuid())
        .bind(self.ip)
        .bind(self.count)
        .bind(self.at)
        .bind(self.user_agent.as_str())
        .execute(connection)
        .await?;
        Ok(())
    }
}

impl Store {
    /// Adds uses to the counts by address; uses of unknown keys are ignored. Not audited.
    pub async fn record_key_uses(&self, uses: Vec<KeyUse>) -> Result<(), StoreError> {
        if uses.is_empty() {
            return Ok(());
        }
        self.write(RecordKeyUses(uses)).await
    }

    /// The last use of a key, with the number of all its uses; `None` when it was never used.
    pub async fn key_last_use(&self, key: KeyRef) -> Result<Option<KeyUse>, StoreError> {
        let row = sql("SELECT last_used_at, last_used_ip, last_used_user_agent,
                 (SELECT CAST(COALESCE(SUM(uses), 0) AS BIGINT) FROM key_uses
                  WHERE key_id = api_keys.id) AS uses
             FROM api_keys WHERE id = $1 AND kind = $2 AND last_used_at IS NOT NULL")
        .bind(key.as_uuid())
        .bind(key.kind().as_str())
        .optional(&mut *self.reader().await?)
        .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        Ok(Some(KeyUse {
            key,
            at: row.time("last_used_at")?,
            ip: row.parse("last_used_ip")?,
            user_agent: row.text("last_used_user_agent")?,
            count: row.integer("uses")?,
        }))
    }
}
