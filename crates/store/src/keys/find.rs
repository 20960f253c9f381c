//! Finding keys: by token at every request, by organization for people.

use std::sync::Arc;

use async_recursion::async_recursion as boxed;
use reoclo_domain::{Allowlist, AutomationKeyId, KeyKind, OrganizationId, TokenHash};
use sqlx::AnyConnection;

use super::{AutomationKeyRecord, IntegrationKeyRecord, KeyRecord, row};
use crate::cache::Effect;
use crate::error::StoreError;
use crate::sql::{Record, Source, sql};
use crate::store::Store;

/// A key as a request needs it. Networks by the thousand would be most of what is read, so they
/// are fetched apart, once.
const BY_TOKEN: &str = "SELECT id, kind, organization_id, prefix, label, creator_id, created_at,
     expires_at, revoked_at, preset, cells, servers, operations, registry_credentials,
     rate_limit_per_minute, ip_allowlist_sources,
     CASE WHEN length(ip_allowlist) > 4096 THEN '' ELSE ip_allowlist END AS ip_allowlist,
     CASE WHEN length(ip_allowlist) > 4096 THEN id ELSE NULL END AS long_allowlist_of
 FROM api_keys WHERE token_hash = $1";

/// Every key that is not revoked, for the cache.
pub(crate) async fn load_all(connection: &mut AnyConnection) -> Result<Vec<Effect>, StoreError> {
    sql("SELECT * FROM api_keys WHERE revoked_at IS NULL")
        .all(connection, |row| {
            let token = row.get("token_hash")?;
            let key = Arc::new(KeyRecord::read(row)?);
            Ok(Effect::KeyCreated(TokenHash::from_bytes(token), key))
        })
        .await
}

impl Store {
    /// The key with that token, also when it is expired or revoked: from memory on SQLite, where
    /// only unknown and revoked ones cost a look into the database.
    #[boxed]
    pub async fn find_key(&self, token: &TokenHash) -> Result<Option<Arc<KeyRecord>>, StoreError> {
        if let Some(key) = self.cache().and_then(|cache| cache.key(token)) {
            return Ok(Some(key));
        }
        let mut reader = self.reader().await?;
        let found = sql(BY_TOKEN).bind(*token).optional(&mut reader).await?;
        let Some(row) = found else {
            return Ok(None);
        };
        let key = match row.get::<Option<String>>("long_allowlist_of")? {
            Some(_) => {
                let networks = self.long_allowlist(row.get("id")?, &mut reader).await?;
                KeyRecord::Automation(AutomationKeyRecord::read_listed(&row, networks)?)
            }
            None => KeyRecord::read(&row)?,
        };
        Ok(Some(Arc::new(key)))
    }

    /// Read once: the networks of a key never change.
    async fn long_allowlist(
        &self,
        key: AutomationKeyId,
        reader: &mut impl Source,
    ) -> Result<Allowlist, StoreError> {
        if let Some(networks) = self.known_lists().written(key) {
            return Ok(networks);
        }
        let row = sql("SELECT ip_allowlist FROM api_keys WHERE id = $1")
            .bind(key)
            .one(reader)
            .await?;
        let networks = row::allowlist(&row)?;
        self.known_lists().keep_written(key, networks.clone());
        Ok(networks)
    }

    /// The organization's integration keys, revoked ones included, newest first.
    #[boxed]
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
    #[boxed]
    pub async fn automation_keys(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<AutomationKeyRecord>, StoreError> {
        self.keys_of(organization, KeyKind::Automation, AutomationKeyRecord::read)
            .await
    }

    async fn keys_of<T: Send>(
        &self,
        organization: OrganizationId,
        kind: KeyKind,
        read: impl FnMut(&Record) -> Result<T, StoreError> + Send,
    ) -> Result<Vec<T>, StoreError> {
        sql(
            "SELECT * FROM api_keys WHERE organization_id = $1 AND kind = $2
             ORDER BY id DESC",
        )
        .bind(organization)
        .bind(kind.as_str())
        .all(&mut self.reader().await?, read)
        .await
    }
}
