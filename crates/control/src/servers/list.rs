//! Seeing servers.

use async_recursion::async_recursion as boxed;
use reoclo_store::ServerRecord;

use super::Servers;
use crate::{Authorized, Refusal, ServersRead};

impl Servers<'_> {
    /// The organization's servers by name, without those that were decommissioned.
    #[boxed]
    pub async fn list(
        &self,
        proof: &Authorized<ServersRead>,
    ) -> Result<Vec<ServerRecord>, Refusal> {
        Ok(self
            .core
            .store()
            .servers(proof.caller().organization())
            .await?)
    }
}
