//! Showing one key, with who still uses it.

use reoclo_store::{AddressUsage, KeyRef};

use super::{ManagedKey, ManagesKeys};
use crate::{Authorized, Control, Refusal};

/// A key, and from where it was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownKey {
    /// The key.
    pub key: ManagedKey,
    /// Its uses in the last 90 days by address, the latest first.
    pub usage: Vec<AddressUsage>,
}

impl Control {
    /// One key that the caller may manage.
    pub async fn show_key<P: ManagesKeys>(
        &self,
        proof: &Authorized<P>,
        key: KeyRef,
    ) -> Result<ShownKey, Refusal> {
        let managed = self.managed_key(proof, key).await?;
        let organization = proof.caller().organization();
        let usage = self.store().key_usage(organization, key, self.now());
        Ok(ShownKey {
            usage: usage.await?,
            key: managed,
        })
    }
}
