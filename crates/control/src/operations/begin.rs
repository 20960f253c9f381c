//! Beginning an operation that was authorized.

use reoclo_dispatch::{Begun, Plan};

use super::Operations;
use crate::attempted::Attempted;
use crate::{Allowed, Permission, Refusal};

impl Operations<'_> {
    /// Begins what was allowed. A refusal leaves no operation behind, so the audit log is told of
    /// it.
    pub(super) async fn begin<P: Permission>(
        self,
        allowed: &Allowed<P>,
        plan: Plan,
    ) -> Result<Begun, Refusal> {
        let grant = allowed.grant(self.granting);
        let begun = self.dispatcher.begin(&grant, plan).await;
        begun.map_err(Refusal::from).inspect_err(|refusal| {
            let wanted = Attempted::of::<P>(allowed.caller(), allowed.server());
            self.refusals.note_of(allowed.caller(), refusal, &wanted);
        })
    }
}
