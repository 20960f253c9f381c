//! Replacing a key: what a person does who thinks that somebody else has it.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{OrganizationId, Timestamp};

use super::revoke::Revoked;
use super::{KeyOrigin, KeyRef, NewKey, create, revoke};
use crate::audit::NewAuditEvent;
use crate::error::StoreError;
use crate::store::Store;
use crate::writer::{Work, Write};

struct ReplaceKey {
    organization: OrganizationId,
    old: KeyRef,
    at: Timestamp,
    new: NewKey,
    origin: KeyOrigin,
    events: Vec<NewAuditEvent>,
}

impl Write for ReplaceKey {
    type Output = Revoked;

    async fn apply(&self, work: &mut Work<'_>) -> Result<Revoked, StoreError> {
        let revoked = revoke::revoke(work, self.organization, self.old, self.at).await?;
        if revoked == Revoked::Now {
            create::insert(work, &self.new, &self.origin).await?;
            work.audit(&self.events);
        }
        Ok(revoked)
    }
}

impl Store {
    /// Revokes a key and stores the one that takes its place, both or neither, as the page's form
    /// with that mark asks for. Nothing is changed unless the answer is [`Revoked::Now`].
    ///
    /// # Errors
    /// Those of [`Store::create_keys`].
    #[boxed]
    pub async fn replace_key(
        &self,
        organization: OrganizationId,
        old: KeyRef,
        at: Timestamp,
        new: NewKey,
        form: Option<String>,
        events: Vec<NewAuditEvent>,
    ) -> Result<Revoked, StoreError> {
        let write = ReplaceKey {
            organization,
            old,
            at,
            new,
            origin: KeyOrigin {
                form,
                copy_of: None,
                replaces: Some(old),
            },
            events,
        };
        self.write(write).await
    }
}
