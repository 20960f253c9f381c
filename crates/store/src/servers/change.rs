//! Changing what servers are called.

use reoclo_domain::{OrganizationId, ServerId};

use super::ServerRecord;
use crate::audit::Audit;
use crate::edit::Edited;
use crate::error::StoreError;
use crate::store::Store;

impl Store {
    /// Changes the name and the slug of a server, as `rule` says of it as it is.
    ///
    /// # Errors
    /// [`Conflict::Taken`](crate::Conflict::Taken) when another server in use has the slug.
    pub async fn change_server<E: Send + 'static>(
        &self,
        organization: OrganizationId,
        server: ServerId,
        audit: Audit,
        rule: impl Fn(&ServerRecord) -> Result<ServerRecord, E> + Send + Sync + 'static,
    ) -> Result<Edited<ServerRecord, E>, StoreError> {
        self.edit((organization, server), None, audit, rule).await
    }
}
