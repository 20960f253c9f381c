//! Changing what servers are called.

use std::sync::Arc;

use reoclo_domain::{DisplayName, OrganizationId, ServerId, Slug};

use crate::audit::NewAuditEvent;
use crate::cache::Effect;
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

/// What is to change of a server; none leaves it as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerChange {
    /// Its name for people.
    pub name: Option<DisplayName>,
    /// Its name in addresses.
    pub slug: Option<Slug>,
}

struct ChangeServer {
    organization: OrganizationId,
    server: ServerId,
    change: ServerChange,
    events: Vec<NewAuditEvent>,
}

impl Write for ChangeServer {
    type Output = bool;

    async fn apply(&self, work: &mut Work<'_>) -> Result<bool, StoreError> {
        let changed = sql(
            "UPDATE servers SET name = COALESCE($3, name), slug = COALESCE($4, slug)
             WHERE organization_id = $1 AND id = $2 AND status <> 'decommissioned'",
        )
        .bind(self.organization)
        .bind(self.server)
        .bind(self.change.name.as_ref().map(DisplayName::as_str))
        .bind(self.change.slug.as_ref().map(Slug::as_str))
        .execute(work.connection().await?)
        .await?;
        if changed == 0 {
            return Ok(false);
        }
        if let Some(name) = &self.change.name {
            let name = Arc::from(name.as_str());
            work.effect(Effect::ServerCreated(self.server, self.organization, name));
        }
        work.audit(&self.events);
        Ok(true)
    }
}

impl Store {
    /// Changes what a server is called. `false` when the organization has no such server in use;
    /// then no event is written either.
    ///
    /// # Errors
    /// [`Conflict::Slug`](crate::Conflict::Slug) when another server in use has the slug.
    pub async fn change_server(
        &self,
        organization: OrganizationId,
        server: ServerId,
        change: ServerChange,
        events: Vec<NewAuditEvent>,
    ) -> Result<bool, StoreError> {
        let write = ChangeServer {
            organization,
            server,
            change,
            events,
        };
        self.write(write).await
    }
}
