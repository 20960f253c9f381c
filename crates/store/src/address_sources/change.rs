//! Adding, refreshing and removing published lists.

use ipnet::IpNet;
use reoclo_domain::{AddressSourceId, OrganizationId, Timestamp};

use super::{AddressSourceRecord, column};
use crate::audit::NewAuditEvent;
use crate::cache::Effect;
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

/// What came of asking for a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshedList {
    /// The same networks as before.
    Same,
    /// Other networks.
    New(Vec<IpNet>),
    /// None that can be used, and why.
    Failed(String),
}

/// What came of removing a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemovedSource {
    /// It is gone.
    Removed,
    /// The organization has no such list.
    Unknown,
    /// So many keys that are not revoked name it.
    InUse(i64),
}

struct AddSource {
    record: AddressSourceRecord,
    networks: Vec<IpNet>,
    events: Vec<NewAuditEvent>,
}

impl Write for AddSource {
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

struct RefreshSource {
    organization: OrganizationId,
    id: AddressSourceId,
    at: Timestamp,
    list: RefreshedList,
    events: Vec<NewAuditEvent>,
}

impl Write for RefreshSource {
    type Output = bool;

    async fn apply(&self, work: &mut Work<'_>) -> Result<bool, StoreError> {
        let statement = match &self.list {
            RefreshedList::Same => sql(
                "UPDATE address_sources SET checked_at = $3, fetched_at = $3, problem = NULL
                 WHERE id = $1 AND organization_id = $2",
            )
            .bind(self.id)
            .bind(self.organization)
            .bind(self.at),
            RefreshedList::New(networks) => sql(
                "UPDATE address_sources SET checked_at = $3, fetched_at = $3, problem = NULL,
                     networks = $4, entries = $5, revision = revision + 1
                 WHERE id = $1 AND organization_id = $2",
            )
            .bind(self.id)
            .bind(self.organization)
            .bind(self.at)
            .bind(column(networks))
            .bind(i64::try_from(networks.len()).unwrap_or(i64::MAX)),
            RefreshedList::Failed(problem) => {
                sql("UPDATE address_sources SET checked_at = $3, problem = $4
                 WHERE id = $1 AND organization_id = $2")
                .bind(self.id)
                .bind(self.organization)
                .bind(self.at)
                .bind(problem.as_str())
            }
        };
        if statement.execute(work.connection().await?).await? == 0 {
            return Ok(false);
        }
        if let RefreshedList::New(networks) = &self.list {
            let addresses = networks.iter().collect();
            work.effect(Effect::ListFetched(self.id, self.organization, addresses));
        }
        work.audit(&self.events);
        Ok(true)
    }
}

struct RemoveSource {
    organization: OrganizationId,
    id: AddressSourceId,
    events: Vec<NewAuditEvent>,
}

impl Write for RemoveSource {
    type Output = RemovedSource;

    async fn apply(&self, work: &mut Work<'_>) -> Result<RemovedSource, StoreError> {
        let using = sql("SELECT COUNT(*) AS count FROM api_keys
             WHERE organization_id = $1 AND revoked_at IS NULL
                 AND (' ' || ip_allowlist_sources || ' ') LIKE $2")
        .bind(self.organization)
        .bind(format!("% {} %", self.id))
        .one(work.connection().await?)
        .await?
        .get::<i64>("count")?;
        if using > 0 {
            return Ok(RemovedSource::InUse(using));
        }
        let removed = sql("DELETE FROM address_sources WHERE id = $1 AND organization_id = $2")
            .bind(self.id)
            .bind(self.organization)
            .execute(work.connection().await?)
            .await?;
        if removed == 0 {
            return Ok(RemovedSource::Unknown);
        }
        work.effect(Effect::ListRemoved(self.id));
        work.audit(&self.events);
        Ok(RemovedSource::Removed)
    }
}

impl Store {
    /// Keeps a list with its networks.
    ///
    /// # Errors
    /// [`Conflict::Missing`](crate::Conflict::Missing) for an unknown organization.
    pub async fn add_address_source(
        &self,
        record: AddressSourceRecord,
        networks: Vec<IpNet>,
        events: Vec<NewAuditEvent>,
    ) -> Result<(), StoreError> {
        let write = AddSource {
            record,
            networks,
            events,
        };
        self.write(write).await
    }

    /// Stores what came of asking for a list; `false`, and nothing is written, when the
    /// organization has no such list any more.
    pub async fn refresh_address_source(
        &self,
        organization: OrganizationId,
        id: AddressSourceId,
        at: Timestamp,
        list: RefreshedList,
        events: Vec<NewAuditEvent>,
    ) -> Result<bool, StoreError> {
        let write = RefreshSource {
            organization,
            id,
            at,
            list,
            events,
        };
        self.write(write).await
    }

    /// Removes a list that no key names.
    pub async fn remove_address_source(
        &self,
        organization: OrganizationId,
        id: AddressSourceId,
        events: Vec<NewAuditEvent>,
    ) -> Result<RemovedSource, StoreError> {
        let write = RemoveSource {
            organization,
            id,
            events,
        };
        self.write(write).await
    }
}
