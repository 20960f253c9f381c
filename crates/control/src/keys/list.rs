//! Listing keys.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{KeyStatus, UserId};
use reoclo_store::KeyQuery;
use uuid::Uuid;

use super::{Keys, ManagedKey, ManagesKeys, manages_all, person};
use crate::{Authorized, Refusal};

/// Which keys a person asks for; `None` is any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyListRequest {
    /// Only keys with this status.
    pub status: Option<KeyStatus>,
    /// Only keys whose label or shown prefix has this in it.
    pub search: Option<String>,
    /// Only keys that this person made.
    pub creator: Option<UserId>,
    /// Only keys that are older than the one with this id.
    pub before: Option<Uuid>,
    /// The most keys.
    pub limit: u32,
}

/// Keys, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyList {
    /// The keys.
    pub keys: Vec<ManagedKey>,
    /// Whether older ones follow.
    pub has_more: bool,
}

impl Keys<'_> {
    /// The keys of one kind that the caller may manage.
    #[boxed]
    pub async fn list<P: ManagesKeys>(
        &self,
        proof: &Authorized<P>,
        request: KeyListRequest,
    ) -> Result<KeyList, Refusal> {
        let person = person(proof)?;
        let creator = match request.creator {
            creator if manages_all::<P>(person) => creator,
            Some(other) if other != person.user => return Ok(KeyList::default()),
            _ => Some(person.user),
        };
        let query = KeyQuery {
            kind: P::KIND,
            creator,
            status: request.status.map(|status| (status, self.0.now())),
            search: request.search,
            before: request.before,
            limit: request.limit.saturating_add(1),
        };
        let organization = proof.caller().organization();
        let mut found = self.0.store().list_keys(organization, &query).await?;
        let wanted = usize::try_from(request.limit).unwrap_or(usize::MAX);
        let has_more = found.len() > wanted;
        found.truncate(wanted);
        let maximum = self.maximum_lifetime(proof).await?;
        let keys = found.into_iter().map(|found| self.managed(found, maximum));
        Ok(KeyList {
            keys: keys.collect(),
            has_more,
        })
    }
}
