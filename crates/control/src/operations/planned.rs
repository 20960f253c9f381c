//! Operations that keys can carry and that are not run yet: every check is made, then the answer
//! says so.

use std::convert::Infallible;

use async_recursion::async_recursion as boxed;
use reoclo_domain::ServerId;

use super::Operations;
use crate::attempted::Attempted;
use crate::{Authorized, Permission, Refusal, Requirement};

impl Operations<'_> {
    /// Checks everything that `P` demands, and then refuses: running it is not built.
    #[boxed]
    pub async fn planned<P: Permission>(
        &self,
        proof: Authorized<P>,
        server: ServerId,
    ) -> Result<Infallible, Refusal> {
        let allowed = proof.on_server(self.refusals, server).await?;
        let refusal = match P::REQUIREMENT {
            Requirement::Operation(kind) => Refusal::NotImplemented(kind),
            _ => Refusal::NotFound("the operation"),
        };
        let wanted = Attempted::of::<P>(allowed.caller(), server);
        self.refusals.note_of(allowed.caller(), &refusal, &wanted);
        Err(refusal)
    }
}
