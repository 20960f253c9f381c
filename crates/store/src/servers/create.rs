//! Adding servers.

use async_recursion::async_recursion as boxed;

use super::{NewEnrolment, NewServer, ServerRecord, enrol};
use crate::audit::NewAuditEvent;
use crate::error::StoreError;
use crate::store::Store;
use crate::table::{self, Audited};
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
    let server = ServerRecord::from(new);
    table::insert(work.connection().await?, &server, None).await?;
    ServerRecord::settle(None, Some(&server), work).await
}

impl Store {
    /// Adds a server, with the enrolment of its runner if there is to be one.
    ///
    /// # Errors
    /// [`Conflict::Taken`](crate::Conflict::Taken) when a server in use has the slug,
    /// [`Conflict::Missing`](crate::Conflict::Missing) for an unknown organization.
    #[boxed]
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
