//! What signing in looks up.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{OrganizationId, Role, Secret, Timestamp, UserId};

use super::UserRecord;
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;

/// An account that can be signed in to.
#[derive(Clone)]
pub struct Account {
    /// Whose it is.
    pub user: UserRecord,
    /// The hash of the password, in PHC form; none until one is set.
    pub password_hash: Option<Secret>,
    /// Until when the password is good, when somebody else chose it.
    pub temporary_until: Option<Timestamp>,
    /// Where the person was last.
    pub last_organization: Option<OrganizationId>,
}

/// A person's place in an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The organization.
    pub organization: OrganizationId,
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// The person's role there.
    pub role: Role,
}

impl Account {
    /// The organization in which the person was last, or else their first.
    pub fn home<'a>(&self, memberships: &'a [Membership]) -> Option<&'a Membership> {
        let last = memberships
            .iter()
            .find(|membership| Some(membership.organization) == self.last_organization);
        last.or_else(|| memberships.first())
    }
}

impl Store {
    /// The account with that e-mail address, whatever its case.
    #[boxed]
    pub async fn account(&self, email: &str) -> Result<Option<Account>, StoreError> {
        let row = sql("SELECT * FROM users WHERE lower(email) = lower($1)")
            .bind(email)
            .optional(&mut self.reader().await?)
            .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        Ok(Some(Account {
            user: UserRecord::read(&row)?,
            password_hash: row.get::<Option<String>>("password_hash")?.map(Secret::new),
            temporary_until: row.get("temporary_until")?,
            last_organization: row.get("last_organization_id")?,
        }))
    }

    /// The account of a person.
    #[boxed]
    pub async fn account_of(&self, user: UserId) -> Result<Option<Account>, StoreError> {
        match self.user(user).await?.and_then(|user| user.email) {
            Some(email) => self.account(&email).await,
            None => Ok(None),
        }
    }

    /// The organizations that a person is in, by slug.
    #[boxed]
    pub async fn memberships(&self, user: UserId) -> Result<Vec<Membership>, StoreError> {
        sql(
            "SELECT organizations.id, organizations.slug, organizations.name, memberships.role
             FROM memberships JOIN organizations ON organizations.id = memberships.organization_id
             WHERE memberships.user_id = $1 ORDER BY organizations.slug",
        )
        .bind(user)
        .all(&mut self.reader().await?, |row| {
            Ok(Membership {
                organization: row.get("id")?,
                slug: row.get("slug")?,
                name: row.get("name")?,
                role: row.get("role")?,
            })
        })
        .await
    }
}
