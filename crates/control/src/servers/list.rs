//! Seeing servers.

use reoclo_store::ServerRecord;

use crate::{Authorized, Control, Refusal, ServersRead};

impl Control {
    /// The organization's servers by name, without those that were decommissioned.
    pub async fn servers(
        &self,
        proof: &Authorized<ServersRead>,
    ) -> Result<Vec<ServerRecord>, Refusal> {
        Ok(self.store().servers(proof.caller().organization()).await?)
    }
}
