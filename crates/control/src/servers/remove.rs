//! Decommissioning a server.

use async_recursion::async_recursion as boxed;
use reoclo_store::ServerRecord;
use serde_json::json;

use super::Servers;
use crate::edit::settled;
use crate::{Authorized, Refusal, ServersWrite};

impl Servers<'_> {
    /// Removes a server from the caller's organization: its runner's identity is dead before this
    /// returns, and its runner is told and ends.
    #[boxed]
    pub async fn remove(
        &self,
        proof: &Authorized<ServersWrite>,
        reference: &str,
    ) -> Result<(), Refusal> {
        let caller = proof.caller();
        let organization = caller.organization();
        let server = self.find(organization, reference).await?.id;
        let audit = self.core.audit(caller, "server.decommission");
        let told = |before: &ServerRecord| json!({ "slug": before.slug });
        let store = self.core.store();
        let removed = store.remove_server(organization, server, self.core.now(), audit, told);
        settled(removed.await, "the server")?;
        self.dispatcher.dismiss(server);
        Ok(())
    }
}
