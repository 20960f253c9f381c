//! A key may ask what it is.

use std::sync::Arc;

use async_recursion::async_recursion as boxed;
use reoclo_domain::{Acl, Role};
use reoclo_store::{KeyRecord, OrganizationRecord};

use crate::keys::Keys;
use crate::{AnyKey, Authorized, Principal, Refusal};

/// What the presented key is, and what it may do now.
#[derive(Clone, Debug)]
pub struct KeyIdentity {
    /// The key's organization.
    pub organization: OrganizationRecord,
    /// The key.
    pub key: Arc<KeyRecord>,
    /// What an integration key may do within its creator's role.
    pub effective: Acl,
    /// The role of an integration key's creator, if they are still there.
    pub creator_role: Option<Role>,
    /// The address of an integration key's creator, once they have an account.
    pub creator_email: Option<String>,
}

impl Keys<'_> {
    /// Says what the presented key is.
    #[boxed]
    pub async fn identify(&self, proof: &Authorized<AnyKey>) -> Result<KeyIdentity, Refusal> {
        let caller = proof.caller();
        let found = self.0.store().organization(caller.organization()).await?;
        let organization = found.ok_or(Refusal::NotFound("the organization"))?;
        let (key, effective) = match caller.principal() {
            Principal::IntegrationKey {
                record, effective, ..
            } => (record, *effective),
            Principal::AutomationKey(record, _) => (record, Acl::empty()),
            Principal::Person(_) => return Err(Refusal::NotFound("a key")),
        };
        let mut identity = KeyIdentity {
            organization,
            key: Arc::clone(key),
            effective,
            creator_role: None,
            creator_email: None,
        };
        if let KeyRecord::Integration(key) = &**key {
            identity.creator_role = self
                .0
                .store()
                .role_of(key.organization, key.creator)
                .await?;
            let creator = self.0.store().user(key.creator).await?;
            identity.creator_email = creator.and_then(|creator| creator.email);
        }
        Ok(identity)
    }
}
