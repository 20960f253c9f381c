//! Showing one key, with who still uses it.

use async_recursion::async_recursion as boxed;
use reoclo_store::{AddressUsage, KeyRef};

use super::{Keys, ManagedKey, ManagesKeys};
use crate::{Authorized, Refusal};

/// A key, and from where it was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownKey {
    /// The key.
    pub key: ManagedKey,
    /// Its uses in the last 90 days by address, the latest first.
    pub usage: Vec<AddressUsage>,
}

impl Keys<'_> {
    /// One key that the caller may manage.
    #[boxed]
    pub async fn show<P: ManagesKeys>(
        &self,
        proof: &Authorized<P>,
        key: KeyRef,
    ) -> Result<ShownKey, Refusal> {
        let managed = self.find(proof, key).await?;
        let organization = proof.caller().organization();
        let usage = self.0.store().key_usage(organization, key, self.0.now());
        Ok(ShownKey {
            usage: usage.await?,
            key: managed,
        })
    }
}
