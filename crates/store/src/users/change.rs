//! Changing and removing the people of an organization.

use reoclo_domain::{OrganizationId, Role, UserId};
use sqlx::AnyConnection;

use super::change_password::{NewPassword, put_password};
use super::members::{MemberRecord, sql_of_member};
use super::{let_create_organizations, lock};
use crate::audit::NewAuditEvent;
use crate::cache::Effect;
use crate::edit::{Edit, Edited};
use crate::error::{Conflict, StoreError};
use crate::sessions::end_all;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

/// What is to become of a member; none removes them.
type Member = Option<MemberRecord>;

type MemberRule<E> = Box<dyn Fn(&MemberRecord) -> Result<Edit<Member>, E> + Send + Sync>;

struct ChangeMember<E> {
    organization: OrganizationId,
    user: UserId,
    password: Option<NewPassword>,
    rule: MemberRule<E>,
}

impl<E: Send + 'static> Write for ChangeMember<E> {
    type Output = Edited<Member, E>;

    async fn apply(&self, work: &mut Work<'_>) -> Result<Self::Output, StoreError> {
        let Some(before) = self.lock(work.connection().await?).await? else {
            return Ok(Edited::Unknown);
        };
        let Edit { record, events } = match (self.rule)(&before) {
            Ok(edit) => edit,
            Err(refused) => return Ok(Edited::Refused(refused)),
        };
        if let Some(password) = &self.password {
            put_password(work.connection().await?, self.user, password).await?;
            end_all(work.connection().await?, self.user).await?;
        }
        let differs = record.as_ref() != Some(&before);
        if differs {
            self.write(work, &before, record.as_ref()).await?;
        }
        if differs || self.password.is_some() {
            work.audit(&events);
        }
        Ok(Edited::Is(record))
    }
}

impl<E> ChangeMember<E> {
    /// The person as they are. Others who change roles of the organization wait, so that of two
    /// admins who demote each other one stays; others who change the person wait too.
    async fn lock(
        &self,
        connection: &mut AnyConnection,
    ) -> Result<Option<MemberRecord>, StoreError> {
        match lock(connection, self.organization).await {
            Err(StoreError::Conflict(Conflict::Missing)) => return Ok(None),
            locked => locked?,
        }
        sql("UPDATE users SET name = name WHERE id = $1")
            .bind(self.user)
            .execute(connection)
            .await?;
        let row = sql_of_member("AND users.id = $2")
            .bind(self.organization)
            .bind(self.user)
            .optional(connection)
            .await?;
        row.as_ref().map(MemberRecord::read).transpose()
    }

    async fn write(
        &self,
        work: &mut Work<'_>,
        before: &MemberRecord,
        after: Option<&MemberRecord>,
    ) -> Result<(), StoreError> {
        let role = after.map(|after| after.role);
        if role != Some(before.role) {
            if role != Some(Role::Admin) && self.is_last_admin(work.connection().await?).await? {
                return Err(Conflict::LastAdmin.into());
            }
            self.set_role(work, role).await?;
        }
        let may = after.map(|after| after.may_create_organizations);
        if let Some(may) = may.filter(|may| *may != before.may_create_organizations) {
            let_create_organizations(work.connection().await?, self.user, may).await?;
        }
        Ok(())
    }

    async fn is_last_admin(&self, connection: &mut AnyConnection) -> Result<bool, StoreError> {
        let admins = sql(
            "SELECT user_id FROM memberships WHERE organization_id = $1 AND role = 'admin' LIMIT 2",
        )
        .bind(self.organization)
        .all(connection, |row| row.get::<UserId>("user_id"))
        .await?;
        Ok(admins == [self.user])
    }

    async fn set_role(&self, work: &mut Work<'_>, role: Option<Role>) -> Result<(), StoreError> {
        let statement = match role {
            Some(_) => {
                "UPDATE memberships SET role = $3 WHERE organization_id = $1 AND user_id = $2"
            }
            None => "DELETE FROM memberships WHERE organization_id = $1 AND user_id = $2",
        };
        let statement = sql(statement).bind(self.organization).bind(self.user);
        let statement = match role {
            Some(role) => statement.bind(role.as_str()),
            None => statement,
        };
        statement.execute(work.connection().await?).await?;
        work.effect(Effect::Role(self.organization, self.user, role));
        Ok(())
    }
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
        rule: impl Fn(&MemberRecord) -> Result<Edit<Member>, E> + Send + Sync + 'static,
    ) -> Result<Edited<Member, E>, StoreError> {
        let edit = ChangeMember {
            organization,
            user,
            password: None,
            rule: Box::new(rule),
        };
        self.write(edit).await
    }

    /// Sets the password of a person of an organization and ends all their sessions, if `rule`
    /// allows it as they are.
    pub async fn set_member_password<E: Send + 'static>(
        &self,
        organization: OrganizationId,
        user: UserId,
        password: NewPassword,
        rule: impl Fn(&MemberRecord) -> Result<Vec<NewAuditEvent>, E> + Send + Sync + 'static,
    ) -> Result<Edited<Member, E>, StoreError> {
        let edit = ChangeMember {
            organization,
            user,
            password: Some(password),
            rule: Box::new(move |member| {
                let record = Some(member.clone());
                rule(member).map(|events| Edit { record, events })
            }),
        };
        self.write(edit).await
    }

    /// Gives a person of an organization another role, or with none removes them, whatever they
    /// are; errors as for [`Store::change_member`].
    ///
    /// # Errors
    /// [`Conflict::Missing`] for somebody who is not in it.
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
            Edited::Is(_) => Ok(()),
            Edited::Unknown => Err(Conflict::Missing.into()),
            Edited::Refused(never) => match never {},
        }
    }
}
