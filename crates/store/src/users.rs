//! People, and their roles in organizations.

mod change;
mod change_password;
mod last_admin;
mod members;
mod remove;
mod sign_in;

pub use change_password::NewPassword;
pub(crate) use members::let_create_organizations;
pub use members::{MemberRecord, PasswordStatus};
pub use sign_in::{Account, Membership};

use async_recursion::async_recursion as boxed;
use reoclo_domain::{OrganizationId, Role, Secret, Timestamp, UserId};
use sqlx::AnyConnection;

use crate::audit::NewAuditEvent;
use crate::cache::Effect;
use crate::error::{Conflict, StoreError};
use crate::sql::{Record, sql};
use crate::store::Store;
use crate::writer::{Work, Write};

/// A person to create; without an e-mail address it is an admin who has yet to set up.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The person's id.
    pub id: UserId,
    /// The address to sign in with; unique in the instance, whatever its case.
    pub email: Option<String>,
    /// The person's name.
    pub name: Option<String>,
    /// The hash of the password, in PHC form.
    pub password_hash: Option<Secret>,
    /// Until when the password is good, when somebody else chose it.
    pub temporary_until: Option<Timestamp>,
    /// When the person was added.
    pub created_at: Timestamp,
}

/// A person as stored, without the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRecord {
    /// The person's id.
    pub id: UserId,
    /// The address to sign in with.
    pub email: Option<String>,
    /// The person's name.
    pub name: Option<String>,
    /// When the person was added.
    pub created_at: Timestamp,
}

struct CreateUser {
    new: NewUser,
    organization: OrganizationId,
    role: Role,
    events: Vec<NewAuditEvent>,
}

impl Write for CreateUser {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        insert(work, &self.new, self.organization, self.role).await?;
        work.audit(&self.events);
        Ok(())
    }
}

/// Inserts a person with a role in one organization.
pub(crate) async fn insert(
    work: &mut Work<'_>,
    new: &NewUser,
    organization: OrganizationId,
    role: Role,
) -> Result<(), StoreError> {
    sql(
        "INSERT INTO users (id, email, name, password_hash, temporary_until, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(new.id)
    .bind(new.email.as_deref())
    .bind(new.name.as_deref())
    .bind(new.password_hash.as_ref())
    .bind(new.temporary_until)
    .bind(new.created_at)
    .execute(work.connection().await?)
    .await?;
    grant(work, organization, new.id, role).await
}

pub(crate) async fn grant(
    work: &mut Work<'_>,
    organization: OrganizationId,
    user: UserId,
    role: Role,
) -> Result<(), StoreError> {
    sql("INSERT INTO memberships (organization_id, user_id, role) VALUES ($1, $2, $3)")
        .bind(organization)
        .bind(user)
        .bind(role.as_str())
        .execute(work.connection().await?)
        .await?;
    work.effect(Effect::Role(organization, user, Some(role)));
    Ok(())
}

/// Makes changes of an organization's roles wait for each other, so that of two admins who demote
/// each other one stays.
pub(super) async fn lock(
    connection: &mut AnyConnection,
    organization: OrganizationId,
) -> Result<(), StoreError> {
    let locked = sql("UPDATE organizations SET name = name WHERE id = $1")
        .bind(organization)
        .execute(connection)
        .await?;
    if locked == 0 {
        return Err(Conflict::Missing.into());
    }
    Ok(())
}

/// Every role, for the cache.
pub(crate) async fn load_roles(connection: &mut AnyConnection) -> Result<Vec<Effect>, StoreError> {
    sql("SELECT organization_id, user_id, role FROM memberships")
        .all(connection, |row| {
            let role = row.get("role")?;
            let user = row.get("user_id")?;
            Ok(Effect::Role(row.get("organization_id")?, user, Some(role)))
        })
        .await
}

impl UserRecord {
    fn read(row: &Record) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            email: row.get("email")?,
            name: row.get("name")?,
            created_at: row.get("created_at")?,
        })
    }
}

impl Store {
    /// Creates a person with a role in one organization.
    ///
    /// # Errors
    /// [`Conflict::Taken`](crate::Conflict::Taken) when the address is taken,
    /// [`Conflict::Missing`](crate::Conflict::Missing) when there is no such organization.
    #[boxed]
    pub async fn create_user(
        &self,
        new: NewUser,
        organization: OrganizationId,
        role: Role,
        events: Vec<NewAuditEvent>,
    ) -> Result<(), StoreError> {
        let write = CreateUser {
            new,
            organization,
            role,
            events,
        };
        self.write(write).await
    }

    /// The role of a person in an organization: from memory on SQLite.
    #[boxed]
    pub async fn role_of(
        &self,
        organization: OrganizationId,
        user: UserId,
    ) -> Result<Option<Role>, StoreError> {
        if let Some(cache) = self.cache() {
            return Ok(cache.role(organization, user));
        }
        let row = sql("SELECT role FROM memberships WHERE organization_id = $1 AND user_id = $2")
            .bind(organization)
            .bind(user)
            .optional(&mut self.reader().await?)
            .await?;
        row.map(|row| row.get("role")).transpose()
    }

    /// One person, whatever organization they are in.
    #[boxed]
    pub async fn user(&self, id: UserId) -> Result<Option<UserRecord>, StoreError> {
        let row = sql("SELECT id, email, name, created_at FROM users WHERE id = $1")
            .bind(id)
            .optional(&mut self.reader().await?)
            .await?;
        row.as_ref().map(UserRecord::read).transpose()
    }
}
