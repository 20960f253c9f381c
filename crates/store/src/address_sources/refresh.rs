//! Storing what came of asking for published lists.

use async_recursion::async_recursion as boxed;
use ipnet::IpNet;
use reoclo_domain::{AddressSourceId, OrganizationId, Timestamp};

use super::column;
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

impl Store {
    /// Stores what came of asking for a list; `false`, and nothing is written, when the
    /// organization has no such list any more.
    #[boxed]
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
}
