//! Replacing a key that somebody else may have: revoke it and duplicate it, in one step.

use async_recursion::async_recursion as boxed;
use reoclo_store::{KeyRef, Revoked};
use serde_json::json;

use super::duplicate::blueprint;
use super::mint::Forged;
use super::{Keys, ManagedKey, ManagesKeys, MintedKey, describe, person};
use crate::once::marked;
use crate::{Authorized, Refusal};

impl Keys<'_> {
    /// Revokes a key and makes its duplicate, both or neither. A key that is revoked has been
    /// dealt with, and is refused.
    #[boxed]
    pub async fn replace<P: ManagesKeys>(
        &self,
        proof: &Authorized<P>,
        key: KeyRef,
        form: Option<String>,
    ) -> Result<MintedKey, Refusal> {
        let old = self.find(proof, key).await?;
        if old.key.life().revoked_at.is_some() {
            return Err(already_revoked());
        }
        let person = person(proof)?;
        let maximum = self.maximum_lifetime(proof).await?;
        let copy = blueprint(&old.key, person.role, maximum)?;
        let forged = self.forge(proof.caller(), person, copy);
        match self.swap(proof, &old, &forged, marked(form)).await? {
            Revoked::Now => Ok(self.minted(forged, person, maximum)),
            Revoked::Before => Err(already_revoked()),
            Revoked::Unknown => Err(Refusal::NotFound("the key")),
        }
    }

    /// Each of the two has a row of its own, so that the log of either tells of the other.
    async fn swap<P>(
        self,
        proof: &Authorized<P>,
        old: &ManagedKey,
        new: &Forged,
        form: Option<String>,
    ) -> Result<Revoked, Refusal> {
        let caller = proof.caller();
        let (old_key, new_key) = (old.key.key_ref(), new.record.key_ref());
        let mut replaced = describe(&old.key);
        replaced["replaced_by"] = json!(new_key.as_uuid());
        let mut made = describe(&new.record);
        made["duplicate_of"] = json!(old_key.as_uuid());
        let events = vec![
            self.event(caller, "key.replace", &old.key, replaced),
            self.event(caller, "key.duplicate", &new.record, made),
        ];
        let organization = caller.organization();
        let new = new.to_store();
        let swapped =
            self.0
                .store()
                .replace_key(organization, old_key, self.0.now(), new, form, events);
        swapped.await.map_err(Refusal::of_write)
    }
}

fn already_revoked() -> Refusal {
    Refusal::Conflict("the key is revoked already: duplicate it to get a new one like it".into())
}
