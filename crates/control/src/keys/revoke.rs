//! Revoking a key: effective before the answer, and for good (rule 5).

use async_recursion::async_recursion as boxed;
use reoclo_store::KeyRef;

use super::{Keys, ManagedKey, ManagesKeys, describe};
use crate::{Authorized, Refusal};

impl Keys<'_> {
    /// Revokes a key that the caller may manage. Revoking again changes nothing.
    ///
    /// No request that begins after this has returned is accepted; operations that were accepted
    /// before go on to their end.
    #[boxed]
    pub async fn revoke<P: ManagesKeys>(
        &self,
        proof: &Authorized<P>,
        key: KeyRef,
    ) -> Result<ManagedKey, Refusal> {
        let found = self.find(proof, key).await?;
        let caller = proof.caller();
        let event = self.event(caller, "key.revoke", &found.key, describe(&found.key));
        let revoked = self
            .0
            .store()
            .revoke_key(caller.organization(), key, self.0.now(), vec![event])
            .await;
        if revoked.map_err(Refusal::of_write)? {
            self.find(proof, key).await
        } else {
            Err(Refusal::NotFound("the key"))
        }
    }
}
