//! Seeing people.

use async_recursion::async_recursion as boxed;
use reoclo_domain::UserId;
use reoclo_store::MemberRecord;

use super::Users;
use crate::{Authorized, Refusal, UsersRead};

impl Users<'_> {
    /// The people of the caller's organization, by name; with `search`, those whose name or
    /// address contains it.
    #[boxed]
    pub async fn list(
        &self,
        proof: &Authorized<UsersRead>,
        search: &str,
    ) -> Result<Vec<MemberRecord>, Refusal> {
        let organization = proof.caller().organization();
        Ok(self.core.store().members(organization, search).await?)
    }

    /// One person of the caller's organization.
    #[boxed]
    pub async fn show(
        &self,
        proof: &Authorized<UsersRead>,
        id: UserId,
    ) -> Result<MemberRecord, Refusal> {
        let found = self
            .core
            .store()
            .member(proof.caller().organization(), id)
            .await?;
        found.ok_or(Refusal::NotFound("the user"))
    }
}
