//! Removing people from an organization.

use reoclo_domain::{OrganizationId, Role, UserId};

use super::MemberRecord;
use super::last_admin::refuse_the_last_admin;
use crate::audit::NewAuditEvent;
use crate::cache::Effect;
use crate::edit::{Edit, Edited};
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::Work;

/// Takes a person out of an organization, where they had that role.
pub(super) async fn end_membership(
    work: &mut Work<'_>,
    (organization, user): (OrganizationId, UserId),
    role: Role,
) -> Result<(), StoreError> {
    let connection = work.connection().await?;
    if role == Role::Admin {
        refuse_the_last_admin(connection, (organization, user)).await?;
    }
    sql("DELETE FROM memberships WHERE organization_id = $1 AND user_id = $2")
        .bind(organization)
        .bind(user)
        .execute(connection)
        .await?;
    work.effect(Effect::Role(organization, user, None));
    Ok(())
}

impl Store {
    /// Removes a person from an organization, if `rule` lets them go as they are; it says what
    /// the audit log is told. Effective in [`Store::role_of`] before it returns.
    ///
    /// # Errors
    /// [`Conflict::LastAdmin`](crate::Conflict::LastAdmin) when no admin would be left; then
    /// nothing is written.
    pub async fn remove_member<E: Send + 'static>(
        &self,
        organization: OrganizationId,
        user: UserId,
        rule: impl Fn(&MemberRecord) -> Result<Vec<NewAuditEvent>, E> + Send + Sync + 'static,
    ) -> Result<Edited<MemberRecord, E>, StoreError> {
        let rule = move |member: &MemberRecord| {
            let events = rule(member)?;
            let record = None;
            Ok(Edit { record, events })
        };
        self.change((organization, user), None, rule).await
    }
}
