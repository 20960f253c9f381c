//! Finding keys: by token at every request, by organization for people.

use std::sync::Arc;

use reoclo_domain::{KeyKind, OrganizationId, TokenHash};
use sqlx::AnyConnection;

use super::{AutomationKeyRecord, IntegrationKeyRecord, KeyRecord};
use crate::cache::Effect;
use crate::error::StoreError;
use crate::sql::{Record, sql};
use crate::store::Store;

/// Every key that is not revoked, for the cache.
pub(crate) async fn load_all(connection: &mut AnyConnection) -> Result<Vec<Effect>, StoreError> {
    sql("SELECT * FROM api_keys WHERE revoked_at IS NULL")
        .all(connection, |row| {
            let token = row.hash("token_hash")?;
            let key = Arc::new(KeyRecord::read(row)?);
            Ok(Effect::KeyCreated(TokenHash::from_bytes(token), key))
        })
        .await
}

impl Store {
    /// The key with that token, also when it is expired or revoked: from memory on SQLite, where
    /// only unknown and revoked ones cost a look into the database.
    pub async fn find_key(&self, token: &TokenHash) -> Result<Option<Arc<KeyRecord>>, StoreError> {
        if let Some(key) = self.cache().and_then(|cache| cache.key(token)) {
            return Ok(Some(key));
        }
        let row = sql("SELECT * FROM api_keys WHERE token_hash = $1")
            .bind(*token)
            .optional(&mut *self.reader().await?)
            .await?;
        let key = row.as_ref().map(KeyRecord::read).transpose()?;
        Ok(key.map(Arc::new))
    }

    /// The organization's integration keys, revoked ones included, newest first.
    pub async fn integration_keys(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<IntegrationKeyRecord>, StoreError> {
        self.keys_of(
            organization,
            KeyKind::Integration,
            IntegrationKeyRecord::read,
        )
        .await
    }

    /// The organization's automation keys, revoked ones included, newest first.
    pub async fn automation_keys(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<AutomationKeyRecord>, StoreError> {
        self.keys_of(organization, KeyKind::Automation, AutomationKeyRecord::read)
            .await
    }

    async fn keys_of<T>(
        &self,
        organization: OrganizationId,
        kind: KeyKind,
        read: impl FnMut(&Record) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        sql(
            "SELECT * FROM api_keys WHERE organization_id = $1 AND kind = $2
             ORDER BY id DESC",
        )
        .bind(organization)
        .bind(kind.as_str())
        .all(&mut *self.reader().await?, read)
        .await
    }
}
