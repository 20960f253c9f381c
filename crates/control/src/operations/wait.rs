//! Waiting for the end of an operation, by few enough at a time.

use async_recursion::async_recursion as boxed;
use reoclo_domain::OperationId;

use super::OperationLog;
use super::Operations;
use super::waits::WaitPlace;
use crate::{Authorized, Caller, OwnOperations, Refusal, ServersRead};

/// The end of one operation, to wait for.
pub struct OperationEnd(OperationLog);

impl Operations<'_> {
    /// The end of an operation that this automation key started.
    #[boxed]
    pub async fn own_end(
        &self,
        proof: &Authorized<OwnOperations>,
        id: OperationId,
    ) -> Result<OperationEnd, Refusal> {
        Ok(OperationEnd(self.own_log(proof, id).await?))
    }

    /// The end of an operation of the organization. It shows nothing of the output.
    #[boxed]
    pub async fn end(
        &self,
        proof: &Authorized<ServersRead>,
        id: OperationId,
    ) -> Result<OperationEnd, Refusal> {
        let organization = proof.caller().organization();
        Ok(OperationEnd(self.log_in(organization, id).await?))
    }

    /// Room for a wait of this caller, or none when they or their address have enough of them.
    pub fn wait_place(self, caller: &Caller) -> Option<WaitPlace> {
        let actor = caller.actor();
        let id = actor.id.map(|id| id.to_string()).unwrap_or_default();
        let holder = format!("{}:{id}", actor.kind.as_str());
        self.waits.enter(holder, caller.source().ip)
    }
}

impl OperationEnd {
    /// Returns when the operation has ended.
    #[boxed]
    pub async fn reached(&mut self) -> Result<(), Refusal> {
        self.0.ended().await
    }
}
