//! Operations that keys can carry and that are not run yet: every check is made, then the answer
//! says so.

use std::convert::Infallible;

use reoclo_domain::ServerId;

use crate::{Authorized, Control, Permission, Refusal, Requirement};

impl Control {
    /// Checks everything that `P` demands, and then refuses: running it is not built.
    pub async fn planned_operation<P: Permission>(
        &self,
        proof: Authorized<P>,
        server: ServerId,
    ) -> Result<Infallible, Refusal> {
        proof.on_server(self, server).await?;
        Err(match P::REQUIREMENT {
            Requirement::Operation(kind) => Refusal::NotImplemented(kind),
            _ => Refusal::NotFound("the operation"),
        })
    }
}
