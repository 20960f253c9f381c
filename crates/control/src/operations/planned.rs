//! Operations that keys can carry and that are not run yet: every check is made, then the answer
//! says so.

use std::convert::Infallible;

use reoclo_domain::ServerId;

use crate::refused_use::Wanted;
use crate::{Authorized, Control, Permission, Refusal, Requirement};

impl Control {
    /// Checks everything that `P` demands, and then refuses: running it is not built.
    pub async fn planned_operation<P: Permission>(
        &self,
        proof: Authorized<P>,
        server: ServerId,
    ) -> Result<Infallible, Refusal> {
        let allowed = proof.on_server(self, server).await?;
        let refusal = match P::REQUIREMENT {
            Requirement::Operation(kind) => Refusal::NotImplemented(kind),
            _ => Refusal::NotFound("the operation"),
        };
        let wanted = Wanted::of::<P>(allowed.caller(), server);
        self.note_refusal_of(allowed.caller(), &refusal, &wanted);
        Err(refusal)
    }
}
