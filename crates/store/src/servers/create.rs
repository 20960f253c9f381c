//! Adding servers.

use std::sync::Arc;

use super::{NewEnrolment, NewServer, enrol};
use crate::audit::NewAuditEvent;
use crate::cache::Effect;
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

struct CreateServer {
    new: NewServer,
    enrolment: Option<NewEnrolment>,
    events: Vec<NewAuditEvent>,
}

impl Write for CreateServer {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        insert(work, &self.new).await?;
        if let Some(enrolment) = self.enrolment {
            enrol::put(work.connection().await?, self.new.id, enrolment).await?;
        }
        work.audit(&self.events);
        Ok(())
    }
}

/// Inserts a server that no runner speaks for yet.
pub(crate) async fn insert(work: &mut Work<'_>, new: &NewServer) -> Result<(), StoreError> {
    sql(
        "INSERT INTO servers (id, organization_id, slug, name, status, created_at)
         VALUES ($1, $2, $3, $4, 'provisioning', $5)",
    )
    .bind(new.id)
    .bind(new.organization)
    .bind(new.slug.as_str())
    .bind(new.name.as_str())
    .bind(new.created_at)
    .execute(work.connection().await?)
    .await?;
    let name = Arc::from(new.name.as_str());
    work.effect(Effect::ServerCreated(new.id, new.organization, name));
    Ok(())
}

impl Store {
    /// Adds a server, with the enrolment of its runner if there is to be one.
    ///
    /// # Errors
    /// [`Conflict::Slug`](crate::Conflict::Slug) when a server in use has the slug,
    /// [`Conflict::Missing`](crate::Conflict::Missing) for an unknown organization.
    pub async fn create_server(
        &self,
        new: NewServer,
        enrolment: Option<NewEnrolment>,
        events: Vec<NewAuditEvent>,
    ) -> Result<(), StoreError> {
        let write = CreateServer {
            new,
            enrolment,
            events,
        };
        self.write(write).await
    }
}
