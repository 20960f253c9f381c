//! Changing and removing the people of an organization.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{OrganizationId, Role, UserId};

use super::change_password::{NewPassword, put_password};
use super::last_admin::refuse_the_last_admin;
use super::members::{MemberRecord, sql_of_member};
use super::remove::end_membership;
use super::{let_create_organizations, lock};
use crate::audit::NewAuditEvent;
use crate::cache::Effect;
use crate::edit::{Changing, Edit, Editable, Edited};
use crate::error::{Conflict, StoreError};
use crate::sessions::end_all;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::Work;

impl Editable for MemberRecord {
    type Key = (OrganizationId, UserId);
    type Besides = NewPassword;

    /// The person as they are. Others who change roles of the organization wait, so that of two
    /// admins who demote each other one stays; others who change the person wait too.
    async fn lock(
        (organization, user): Self::Key,
        work: &mut Work<'_>,
    ) -> Result<Option<Self>, StoreError> {
        let connection = work.connection().await?;
        match lock(connection, organization).await {
            Err(StoreError::Conflict(Conflict::Missing)) => return Ok(None),
            locked => locked?,
        }
        sql("UPDATE users SET name = name WHERE id = $1")
            .bind(user)
            .execute(connection)
            .await?;
        let row = sql_of_member("AND users.id = $2")
            .bind(organization)
            .bind(user)
            .optional(connection)
            .await?;
        row.as_ref().map(Self::read).transpose()
    }

    async fn write(change: Changing<'_, Self>, work: &mut Work<'_>) -> Result<(), StoreError> {
        let user = change.key.1;
        if let Some(password) = change.besides {
            put_password(work.connection().await?, user, password).await?;
            end_all(work.connection().await?, user).await?;
        }
        let before = change.before;
        let Some(after) = change.after else {
            return end_membership(work, change.key, before.role).await;
        };
        if after.role != before.role {
            if before.role == Role::Admin {
                refuse_the_last_admin(work.connection().await?, change.key).await?;
            }
            set_role(work, change.key, after.role).await?;
        }
        let may = after.may_create_organizations;
        if may != before.may_create_organizations {
            let_create_organizations(work.connection().await?, user, may).await?;
        }
        Ok(())
    }
}

async fn set_role(
    work: &mut Work<'_>,
    (organization, user): (OrganizationId, UserId),
    role: Role,
) -> Result<(), StoreError> {
    sql("UPDATE memberships SET role = $3 WHERE organization_id = $1 AND user_id = $2")
        .bind(organization)
        .bind(user)
        .bind(role.as_str())
        .execute(work.connection().await?)
        .await?;
    work.effect(Effect::Role(organization, user, Some(role)));
    Ok(())
}

impl Store {
    /// Changes the role of a person of an organization and whether they may create
    /// organizations, as `rule` says of them as they are; with none it removes them. Effective in
    /// [`Store::role_of`] before it returns.
    ///
    /// # Errors
    /// [`Conflict::LastAdmin`] when no admin would be left; then nothing is written.
    pub async fn change_member<E: Send + 'static>(
        &self,
        organization: OrganizationId,
        user: UserId,
        rule: impl Fn(&MemberRecord) -> Result<Edit<MemberRecord>, E> + Send + Sync + 'static,
    ) -> Result<Edited<MemberRecord, E>, StoreError> {
        self.change((organization, user), None, rule).await
    }

    /// Sets the password of a person of an organization and ends all their sessions, if `rule`
    /// allows it as they are.
    pub async fn set_member_password<E: Send + 'static>(
        &self,
        organization: OrganizationId,
        user: UserId,
        password: NewPassword,
        rule: impl Fn(&MemberRecord) -> Result<Vec<NewAuditEvent>, E> + Send + Sync + 'static,
    ) -> Result<Edited<MemberRecord, E>, StoreError> {
        let rule = move |member: &MemberRecord| {
            let record = Some(member.clone());
            rule(member).map(|events| Edit { record, events })
        };
        self.change((organization, user), Some(password), rule)
            .await
    }

    /// Gives a person of an organization another role, or with none removes them, whatever they
    /// are; errors as for [`Store::change_member`].
    ///
    /// # Errors
    /// [`Conflict::Missing`] for somebody who is not in it.
    #[boxed]
    pub async fn set_role(
        &self,
        organization: OrganizationId,
        user: UserId,
        role: Option<Role>,
        events: Vec<NewAuditEvent>,
    ) -> Result<(), StoreError> {
        let rule = move |member: &MemberRecord| {
            let changed = |role| MemberRecord {
                role,
                ..member.clone()
            };
            let (record, events) = (role.map(changed), events.clone());
            Ok::<_, std::convert::Infallible>(Edit { record, events })
        };
        match self.change_member(organization, user, rule).await? {
            Edited::Is(_) | Edited::Removed(_) => Ok(()),
            Edited::Unknown => Err(Conflict::Missing.into()),
            Edited::Refused(never) => match never {},
        }
    }
}
