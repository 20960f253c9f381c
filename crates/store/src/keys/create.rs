//! Creating keys.

use std::sync::Arc;

use async_recursion::async_recursion as boxed;
use reoclo_domain::TokenHash;

use super::row;
use super::{AutomationKeyRecord, IntegrationKeyRecord, KeyOrigin, KeyRecord, KeyRef, NewKey};
use crate::audit::NewAuditEvent;
use crate::cache::Effect;
use crate::error::{Conflict, StoreError};
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

struct CreateKeys {
    keys: Vec<(NewKey, KeyOrigin)>,
    events: Vec<NewAuditEvent>,
}

impl Write for CreateKeys {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        for (key, origin) in &self.keys {
            insert(work, key, origin).await?;
        }
        work.audit(&self.events);
        Ok(())
    }
}

/// Inserts a key of either kind.
pub(super) async fn insert(
    work: &mut Work<'_>,
    key: &NewKey,
    origin: &KeyOrigin,
) -> Result<(), StoreError> {
    let (record, token) = match key {
        NewKey::Integration(key, token) => (KeyRecord::Integration(key.clone()), *token),
        NewKey::Automation(key, token) => (KeyRecord::Automation(key.clone()), *token),
    };
    let columns = row::columns(&record);
    sql(
        "INSERT INTO api_keys (id, kind, organization_id, token_hash, prefix, label, creator_id,
             created_at, expires_at, revoked_at, preset, cells, servers, operations,
             registry_credentials, ip_allowlist, rate_limit_per_minute,
             ip_allowlist_sources, made_from, copy_of, replaces)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
             $18, $19, $20, $21)",
    )
    .bind(record.key_ref().as_uuid())
    .bind(record.kind().as_str())
    .bind(record.organization())
    .bind(token)
    .bind(record.prefix())
    .bind(record.label())
    .bind(record.creator())
    .bind(record.created_at())
    .bind(record.life().expires_at)
    .bind(record.life().revoked_at)
    .bind(columns.preset)
    .bind(columns.cells)
    .bind(columns.servers)
    .bind(columns.operations)
    .bind(columns.registry_credentials)
    .bind(columns.ip_allowlist)
    .bind(columns.rate_limit_per_minute)
    .bind(columns.ip_allowlist_sources)
    .bind(origin.form.clone())
    .bind(origin.copy_of.map(KeyRef::as_uuid))
    .bind(origin.replaces.map(KeyRef::as_uuid))
    .execute(work.connection().await?)
    .await?;
    work.effect(Effect::KeyCreated(token, Arc::new(record)));
    Ok(())
}

impl Store {
    /// Stores new keys, all of them or none; errors as for one integration key.
    #[boxed]
    pub async fn create_keys(
        &self,
        keys: Vec<NewKey>,
        events: Vec<NewAuditEvent>,
    ) -> Result<(), StoreError> {
        let alone = |key| (key, KeyOrigin::default());
        let keys = keys.into_iter().map(alone).collect();
        self.write(CreateKeys { keys, events }).await
    }

    /// Stores a new key that comes from somewhere; errors as for one integration key, and
    /// [`Conflict::Exists`](crate::Conflict::Exists) when its form has made one already.
    #[boxed]
    pub async fn create_key_from(
        &self,
        key: NewKey,
        origin: KeyOrigin,
        events: Vec<NewAuditEvent>,
    ) -> Result<(), StoreError> {
        let keys = vec![(key, origin)];
        match self.write(CreateKeys { keys, events }).await {
            // A form's mark is nothing that people chose.
            Err(StoreError::Conflict(Conflict::Taken { .. })) => Err(Conflict::Exists.into()),
            created => created,
        }
    }

    /// Stores a new integration key.
    ///
    /// # Errors
    /// [`Conflict::Exists`](crate::Conflict::Exists) when the id or the token is taken,
    /// [`Conflict::Missing`](crate::Conflict::Missing) for an unknown organization or creator.
    #[boxed]
    pub async fn create_integration_key(
        &self,
        key: IntegrationKeyRecord,
        token: TokenHash,
        events: Vec<NewAuditEvent>,
    ) -> Result<(), StoreError> {
        let key = NewKey::Integration(key, token);
        self.create_keys(vec![key], events).await
    }

    /// Stores a new automation key; errors as for an integration key.
    #[boxed]
    pub async fn create_automation_key(
        &self,
        key: AutomationKeyRecord,
        token: TokenHash,
        events: Vec<NewAuditEvent>,
    ) -> Result<(), StoreError> {
        let key = NewKey::Automation(key, token);
        self.create_keys(vec![key], events).await
    }
}
