//! Duplicating a key: a new one with the same permissions, for rotation.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{AllowlistEntry, MaximumLifetime, Preset, Role};
use reoclo_store::{KeyOrigin, KeyRecord, KeyRef};
use serde_json::json;

use super::mint::{Blueprint, Power};
use super::{Keys, ManagesKeys, MintedKey, cells, describe, lifetime, person};
use crate::once::marked;
use crate::{Authorized, InvalidFields, Refusal};

impl Keys<'_> {
    /// Makes a key that may do what another one may, also when that has ended. It belongs to the
    /// caller, and lives from now on as long as the other was made to, within the organization's
    /// maximum. The page's form with that mark makes one copy, however often it is sent.
    #[boxed]
    pub async fn duplicate<P: ManagesKeys>(
        &self,
        proof: &Authorized<P>,
        key: KeyRef,
        form: Option<String>,
    ) -> Result<MintedKey, Refusal> {
        let original = self.find(proof, key).await?.key;
        let (caller, person) = (proof.caller(), person(proof)?);
        let maximum = self.maximum_lifetime(proof).await?;
        let copy = blueprint(&original, person.role, maximum)?;
        let forged = self.forge(caller, person, copy);
        let mut detail = describe(&forged.record);
        detail["duplicate_of"] = json!(key.as_uuid());
        let event = self.event(caller, "key.duplicate", &forged.record, detail);
        let origin = KeyOrigin {
            form: marked(form),
            copy_of: Some(key),
            replaces: None,
        };
        let created = self
            .0
            .store()
            .create_key_from(forged.to_store(), origin, vec![event]);
        created.await.map_err(Refusal::of_write)?;
        Ok(self.minted(forged, person, maximum))
    }
}

/// What makes a key like `original` for somebody with `role`.
///
/// Custom cells beyond the role are refused, as when the key is created.
pub(super) fn blueprint(
    original: &KeyRecord,
    role: Role,
    maximum: Option<MaximumLifetime>,
) -> Result<Blueprint, Refusal> {
    let mut invalid = InvalidFields::default();
    let power = match original {
        KeyRecord::Integration(key) => {
            if let Preset::Custom(acl) = key.preset {
                cells::check_role(acl, role, &mut invalid);
            }
            Power::Integration(key.preset)
        }
        KeyRecord::Automation(key) => Power::Automation {
            scope: key.scope.clone(),
            ip_allowlist: key
                .ip_allowlist
                .entries()
                .iter()
                .copied()
                .map(AllowlistEntry::from)
                .collect(),
            allowlist_sources: key.allowlist_sources.clone(),
            rate_limit_per_minute: key.rate_limit_per_minute,
        },
    };
    invalid.into_result()?;
    let length = original.life().length(original.created_at());
    Ok(Blueprint {
        label: original.label().to_owned(),
        lifetime: lifetime::copied(length, maximum),
        power,
    })
}
