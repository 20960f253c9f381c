//! How many keys are active, and which of them will soon not be.

use async_recursion::async_recursion as boxed;
use reoclo_store::ActiveKeyQuery;

use super::{EXPIRY_NOTICE, Keys, ManagedKey, ManagesKeys, manages_all, person};
use crate::{Authorized, Refusal};

/// The most keys that are said to expire soon.
const MOST_EXPIRING: u32 = 50;

/// The active keys of one kind that a person manages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActiveKeyOverview {
    /// How many there are.
    pub count: i64,
    /// Those that expire within 14 days, the first of them first; at most 50.
    pub expiring: Vec<ManagedKey>,
}

impl Keys<'_> {
    /// The active keys of one kind that the caller may manage.
    #[boxed]
    pub async fn active<P: ManagesKeys>(
        &self,
        proof: &Authorized<P>,
    ) -> Result<ActiveKeyOverview, Refusal> {
        let (person, now) = (person(proof)?, self.0.now());
        let query = ActiveKeyQuery {
            kind: P::KIND,
            creator: (!manages_all::<P>(person)).then_some(person.user),
            at: now,
            expiring_until: now.plus(EXPIRY_NOTICE),
            limit: MOST_EXPIRING,
        };
        let organization = proof.caller().organization();
        let found = self.0.store().active_keys(organization, &query).await?;
        let maximum = self.maximum_lifetime(proof).await?;
        let expiring = found.expiring.into_iter();
        Ok(ActiveKeyOverview {
            count: found.count,
            expiring: expiring.map(|key| self.managed(key, maximum)).collect(),
        })
    }
}
