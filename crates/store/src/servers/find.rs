//! Finding servers, and who their runners must prove to be.

use std::collections::HashSet;
use std::sync::Arc;

use async_recursion::async_recursion as boxed;
use reoclo_domain::{OrganizationId, ServerId};
use sqlx::AnyConnection;

use super::{RunnerIdentity, ServerRecord};
use crate::cache::Effect;
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;

/// The names of all servers in use, for the memory.
pub(crate) async fn load_names(connection: &mut AnyConnection) -> Result<Vec<Effect>, StoreError> {
    sql("SELECT id, organization_id, name FROM servers WHERE status <> 'decommissioned'")
        .all(connection, |row| {
            let (id, organization) = (row.get("id")?, row.get("organization_id")?);
            Ok(Effect::ServerCreated(
                id,
                organization,
                Arc::from(row.get::<String>("name")?),
            ))
        })
        .await
}

impl Store {
    /// The name of a server that is not decommissioned: from memory on SQLite.
    #[boxed]
    pub async fn server_name(
        &self,
        organization: OrganizationId,
        server: ServerId,
    ) -> Result<Option<Arc<str>>, StoreError> {
        if let Some(cache) = self.cache() {
            return Ok(cache.server_name(organization, server));
        }
        let row = sql("SELECT name FROM servers
             WHERE organization_id = $1 AND id = $2 AND status <> 'decommissioned'")
        .bind(organization)
        .bind(server)
        .optional(&mut self.reader().await?)
        .await?;
        row.map(|row| row.get::<String>("name").map(Arc::from))
            .transpose()
    }

    /// The server with a slug, unless it is decommissioned.
    #[boxed]
    pub async fn server_of_slug(
        &self,
        organization: OrganizationId,
        slug: &str,
    ) -> Result<Option<ServerId>, StoreError> {
        let row = sql("SELECT id FROM servers
             WHERE organization_id = $1 AND slug = $2 AND status <> 'decommissioned'")
        .bind(organization)
        .bind(slug)
        .optional(&mut self.reader().await?)
        .await?;
        row.map(|row| row.get("id")).transpose()
    }

    /// The organization's servers that are not decommissioned, by name and id.
    #[boxed]
    pub async fn servers(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<ServerRecord>, StoreError> {
        self.list(organization).await
    }

    /// Those of `ids` that are no servers of the organization, or are decommissioned.
    #[boxed]
    pub async fn unknown_servers(
        &self,
        organization: OrganizationId,
        ids: &[ServerId],
    ) -> Result<Vec<ServerId>, StoreError> {
        let known: HashSet<ServerId> =
            sql("SELECT id FROM servers WHERE organization_id = $1 AND status <> 'decommissioned'")
                .bind(organization)
                .all(&mut self.reader().await?, |row| row.get("id"))
                .await?
                .into_iter()
                .collect();
        let unknown = ids.iter().filter(|id| !known.contains(id));
        Ok(unknown.copied().collect())
    }

    /// One server of the organization, also when it is decommissioned.
    #[boxed]
    pub async fn server(
        &self,
        organization: OrganizationId,
        id: ServerId,
    ) -> Result<Option<ServerRecord>, StoreError> {
        self.find((organization, id)).await
    }

    /// Who a runner must prove to be; in no organization, since the proof is the credential.
    #[boxed]
    pub async fn runner_identity(
        &self,
        id: ServerId,
    ) -> Result<Option<RunnerIdentity>, StoreError> {
        let row = sql("SELECT organization_id, public_key, status FROM servers WHERE id = $1")
            .bind(id)
            .optional(&mut self.reader().await?)
            .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        Ok(Some(RunnerIdentity {
            server: id,
            organization: row.get("organization_id")?,
            public_key: row.get("public_key")?,
            status: row.get("status")?,
        }))
    }
}
