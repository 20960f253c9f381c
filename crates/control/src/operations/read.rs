//! Reading an operation's record.

use reoclo_domain::OperationId;
use reoclo_store::OperationRecord;

use crate::{Authorized, Control, OwnOperations, Refusal};

impl Control {
    /// The record of an operation that this automation key started; any other is not found
    /// (DESIGN rule 10).
    pub async fn own_operation(
        &self,
        proof: &Authorized<OwnOperations>,
        id: OperationId,
    ) -> Result<OperationRecord, Refusal> {
        let caller = proof.caller();
        let found = self.store().operation(caller.organization(), id).await?;
        let key = caller.actor();
        found
            .filter(|record| (record.starter.kind, record.starter.id) == (key.kind, key.id))
            .ok_or(Refusal::NotFound("the operation"))
    }
}
