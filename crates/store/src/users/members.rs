//! The people of one organization.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{OrganizationId, Role, Timestamp, UserId};
use sqlx::AnyConnection;
use uuid::Uuid;

use super::{grant, lock};
use crate::audit::NewAuditEvent;
use crate::error::{Conflict, StoreError};
use crate::sql::{Record, sql};
use crate::store::Store;
use crate::writer::{Work, Write};

/// A person as a member of one organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRecord {
    /// The person.
    pub id: UserId,
    /// The address to sign in with; none until the account is set up.
    pub email: Option<String>,
    /// The person's name.
    pub name: Option<String>,
    /// The person's role in this organization.
    pub role: Role,
    /// Where their password stands.
    pub password: PasswordStatus,
    /// The person may create organizations.
    pub may_create_organizations: bool,
    /// The person is in this organization only.
    pub is_only_here: bool,
    /// When the person was added.
    pub created_at: Timestamp,
}

/// Where a person's password stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordStatus {
    /// There is none: nobody can sign in.
    Missing,
    /// Somebody else gave it, and it is to be changed at the first sign-in.
    Temporary,
    /// The person chose it.
    Chosen,
}

impl PasswordStatus {
    fn read(row: &Record) -> Result<Self, StoreError> {
        let is_there = row.get::<Option<String>>("password_hash")?.is_some();
        let is_temporary = row.get::<Option<Timestamp>>("temporary_until")?.is_some();
        Ok(match (is_there, is_temporary) {
            (false, _) => Self::Missing,
            (true, true) => Self::Temporary,
            (true, false) => Self::Chosen,
        })
    }
}

const MEMBER: &str = "SELECT users.*, memberships.role AS role,
         (SELECT COUNT(*) FROM memberships AS all_of
          WHERE all_of.user_id = users.id) AS organizations
     FROM memberships JOIN users ON users.id = memberships.user_id
     WHERE memberships.organization_id = $1 ";

impl MemberRecord {
    pub(super) fn read(row: &Record) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            email: row.get("email")?,
            name: row.get("name")?,
            role: row.get("role")?,
            password: PasswordStatus::read(row)?,
            may_create_organizations: row.get("may_create_organizations")?,
            is_only_here: row.get::<i64>("organizations")? == 1,
            created_at: row.get("created_at")?,
        })
    }
}

struct CreateMember {
    organization: OrganizationId,
    user: UserId,
    role: Role,
    events: Vec<NewAuditEvent>,
}

impl Write for CreateMember {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        lock(work.connection().await?, self.organization).await?;
        let there = sql("SELECT role FROM memberships WHERE organization_id = $1 AND user_id = $2")
            .bind(self.organization)
            .bind(self.user)
            .optional(work.connection().await?)
            .await?;
        if there.is_some() {
            return Err(Conflict::Exists.into());
        }
        grant(work, self.organization, self.user, self.role).await?;
        work.audit(&self.events);
        Ok(())
    }
}

/// Says whether a person may create organizations.
pub(crate) async fn let_create_organizations(
    connection: &mut AnyConnection,
    user: UserId,
    may: bool,
) -> Result<(), StoreError> {
    let changed = sql("UPDATE users SET may_create_organizations = $2 WHERE id = $1")
        .bind(user)
        .bind(may)
        .execute(connection)
        .await?;
    if changed == 0 {
        return Err(Conflict::Missing.into());
    }
    Ok(())
}

impl Store {
    /// The people of an organization, by name; with `search`, those whose name or address
    /// contains it, whatever its case, and first who has exactly that address.
    #[boxed]
    pub async fn members(
        &self,
        organization: OrganizationId,
        search: &str,
    ) -> Result<Vec<MemberRecord>, StoreError> {
        let members: Vec<MemberRecord> = sql_of_member("ORDER BY users.name, users.id")
            .bind(organization)
            .all(&mut self.reader().await?, MemberRecord::read)
            .await?;
        let search = search.to_lowercase();
        let has = |text: &Option<String>| {
            text.as_ref()
                .is_some_and(|text| text.to_lowercase().contains(&search))
        };
        let mut found: Vec<MemberRecord> = members
            .into_iter()
            .filter(|member| search.is_empty() || has(&member.email) || has(&member.name))
            .collect();
        // Clients that look for an address take the first.
        found.sort_by_key(|member| {
            let email = member.email.as_ref().map(|email| email.to_lowercase());
            email.as_ref() != Some(&search)
        });
        Ok(found)
    }

    /// One person of an organization.
    #[boxed]
    pub async fn member(
        &self,
        organization: OrganizationId,
        user: UserId,
    ) -> Result<Option<MemberRecord>, StoreError> {
        let row = sql_of_member("AND users.id = $2")
            .bind(organization)
            .bind(user)
            .optional(&mut self.reader().await?)
            .await?;
        row.as_ref().map(MemberRecord::read).transpose()
    }

    /// The people whom a key brought into its organization and who are in it now, by name.
    #[boxed]
    pub async fn people_of_key(
        &self,
        organization: OrganizationId,
        key: Uuid,
    ) -> Result<Vec<MemberRecord>, StoreError> {
        sql_of_member("AND memberships.key_id = $2 ORDER BY users.name, users.id")
            .bind(organization)
            .bind(key)
            .all(&mut self.reader().await?, MemberRecord::read)
            .await
    }

    /// Takes a person who has an account into an organization.
    ///
    /// # Errors
    /// [`Conflict::Exists`] when they are in it, [`Conflict::Missing`] for an unknown person or
    /// organization.
    #[boxed]
    pub async fn create_member(
        &self,
        organization: OrganizationId,
        user: UserId,
        role: Role,
        events: Vec<NewAuditEvent>,
    ) -> Result<(), StoreError> {
        let write = CreateMember {
            organization,
            user,
            role,
            events,
        };
        self.write(write).await
    }
}

pub(super) fn sql_of_member(rest: &'static str) -> crate::sql::Statement {
    crate::sql::sql_of_literals(format!("{MEMBER}{rest}"))
}
