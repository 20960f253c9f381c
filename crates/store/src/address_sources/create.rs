//! Adding published lists.

use async_recursion::async_recursion as boxed;
use ipnet::IpNet;

use super::{AddressSourceRecord, column};
use crate::audit::NewAuditEvent;
use crate::cache::Effect;
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

struct CreateSource {
    record: AddressSourceRecord,
    networks: Vec<IpNet>,
    events: Vec<NewAuditEvent>,
}

impl Write for CreateSource {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        let record = &self.record;
        sql(
            "INSERT INTO address_sources (id, organization_id, name, url, field, networks, entries,
                 revision, checked_at, fetched_at, problem, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(record.id)
        .bind(record.organization)
        .bind(record.name.as_str())
        .bind(record.url.as_str())
        .bind(record.field.as_deref())
        .bind(column(&self.networks))
        .bind(record.entries)
        .bind(record.revision)
        .bind(record.checked_at)
        .bind(record.fetched_at)
        .bind(record.problem.as_deref())
        .bind(record.created_at)
        .execute(work.connection().await?)
        .await?;
        work.effect(Effect::ListFetched(
            record.id,
            record.organization,
            self.networks.iter().collect(),
        ));
        work.audit(&self.events);
        Ok(())
    }
}

impl Store {
    /// Keeps a list with its networks.
    ///
    /// # Errors
    /// [`Conflict::Missing`](crate::Conflict::Missing) for an unknown organization.
    #[boxed]
    pub async fn create_address_source(
        &self,
        record: AddressSourceRecord,
        networks: Vec<IpNet>,
        events: Vec<NewAuditEvent>,
    ) -> Result<(), StoreError> {
        let write = CreateSource {
            record,
            networks,
            events,
        };
        self.write(write).await
    }
}
