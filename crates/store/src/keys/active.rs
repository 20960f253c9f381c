//! How many keys are active, and which of them will soon not be.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{KeyKind, OrganizationId, Timestamp, UserId};

use super::details::{KeyDetails, details_where};
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;

/// Whose active keys, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActiveKeyQuery {
    /// The kind of key.
    pub kind: KeyKind,
    /// Only keys that this person made; `None` is anybody.
    pub creator: Option<UserId>,
    /// The moment at which they are active.
    pub at: Timestamp,
    /// Keys that expire until then are listed.
    pub expiring_until: Timestamp,
    /// The most keys to list.
    pub limit: u32,
}

/// The active keys of an organization at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveKeys {
    /// How many there are.
    pub count: i64,
    /// Those that expire soon, the first of them first.
    pub expiring: Vec<KeyDetails>,
}

impl Store {
    /// Counts the active keys and lists those that expire soon.
    #[boxed]
    pub async fn active_keys(
        &self,
        organization: OrganizationId,
        query: &ActiveKeyQuery,
    ) -> Result<ActiveKeys, StoreError> {
        let mut reader = self.reader().await?;
        let counted = sql("SELECT COUNT(*) AS count FROM api_keys
             WHERE organization_id = $1 AND kind = $2 AND ($3 IS NULL OR creator_id = $3)
                 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $4)")
        .bind(organization)
        .bind(query.kind.as_str())
        .bind(query.creator)
        .bind(query.at)
        .one(&mut reader)
        .await?;
        let expiring = sql(details_where!(
            "api_keys.organization_id = $1 AND api_keys.kind = $2
                 AND ($3 IS NULL OR api_keys.creator_id = $3) AND api_keys.revoked_at IS NULL
                 AND api_keys.expires_at > $4 AND api_keys.expires_at <= $5
             ORDER BY api_keys.expires_at, api_keys.id LIMIT $6"
        ))
        .bind(organization)
        .bind(query.kind.as_str())
        .bind(query.creator)
        .bind(query.at)
        .bind(query.expiring_until)
        .bind(query.limit)
        .all(&mut reader, KeyDetails::read)
        .await?;
        Ok(ActiveKeys {
            count: counted.get::<i64>("count")?,
            expiring,
        })
    }
}
