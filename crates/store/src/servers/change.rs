//! Changing what servers are called.

use std::sync::Arc;

use reoclo_domain::{OrganizationId, ServerId};

use super::ServerRecord;
use crate::cache::Effect;
use crate::edit::{Edit, Edited, Rule};
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

struct ChangeServer<E> {
    organization: OrganizationId,
    server: ServerId,
    rule: Rule<ServerRecord, E>,
}

impl<E: Send + 'static> Write for ChangeServer<E> {
    type Output = Edited<ServerRecord, E>;

    async fn apply(&self, work: &mut Work<'_>) -> Result<Self::Output, StoreError> {
        let Some(before) = lock(work, self.organization, self.server).await? else {
            return Ok(Edited::Unknown);
        };
        let Edit { record, events } = match (self.rule)(&before) {
            Ok(edit) => edit,
            Err(refused) => return Ok(Edited::Refused(refused)),
        };
        if record != before {
            write(work, &before, &record).await?;
            work.audit(&events);
        }
        Ok(Edited::Is(record))
    }
}

/// The server as it is, unless it is decommissioned; others who change it wait.
pub(super) async fn lock(
    work: &mut Work<'_>,
    organization: OrganizationId,
    server: ServerId,
) -> Result<Option<ServerRecord>, StoreError> {
    let row = sql("UPDATE servers SET name = name
         WHERE organization_id = $1 AND id = $2 AND status <> 'decommissioned' RETURNING *")
    .bind(organization)
    .bind(server)
    .optional(work.connection().await?)
    .await?;
    row.as_ref().map(ServerRecord::read).transpose()
}

async fn write(
    work: &mut Work<'_>,
    before: &ServerRecord,
    record: &ServerRecord,
) -> Result<(), StoreError> {
    sql("UPDATE servers SET name = $2, slug = $3 WHERE id = $1")
        .bind(record.id)
        .bind(record.name.as_str())
        .bind(record.slug.as_str())
        .execute(work.connection().await?)
        .await?;
    if record.name != before.name {
        let name = Arc::from(record.name.as_str());
        work.effect(Effect::ServerCreated(record.id, record.organization, name));
    }
    Ok(())
}

impl Store {
    /// Changes the name and the slug of a server in use, as `rule` says of it as it is.
    ///
    /// # Errors
    /// [`Conflict::Slug`](crate::Conflict::Slug) when another server in use has the slug.
    pub async fn change_server<E: Send + 'static>(
        &self,
        organization: OrganizationId,
        server: ServerId,
        rule: impl Fn(&ServerRecord) -> Result<Edit<ServerRecord>, E> + Send + Sync + 'static,
    ) -> Result<Edited<ServerRecord, E>, StoreError> {
        let write = ChangeServer {
            organization,
            server,
            rule: Box::new(rule),
        };
        self.write(write).await
    }
}
