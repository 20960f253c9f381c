//! The first start, and the one-time link that completes it.

mod complete;

use async_recursion::async_recursion as boxed;
use reoclo_domain::{OrganizationId, Role, Secret, Timestamp, TokenHash, UserId};
use sqlx::AnyConnection;

use crate::audit::NewAuditEvent;
use crate::error::{Conflict, StoreError};
use crate::organizations::{CreateOrganization, NewOrganization};
use crate::servers::{self, NewServer};
use crate::sql::sql;
use crate::store::Store;
use crate::users::{self, NewUser};
use crate::writer::{Work, Write};

/// Everything that the first start creates, in one transaction.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    /// The first organization.
    pub organization: NewOrganization,
    /// Its admin, who has yet to set up.
    pub admin: NewUser,
    /// The admin's one-time link.
    pub setup: NewSetupLink,
    /// This machine, when a runner is started beside.
    pub server: Option<NewServer>,
}

/// A one-time link to create; it replaces the user's earlier one.
#[derive(Clone, Copy, Debug)]
pub struct NewSetupLink {
    /// The hash of the link's token.
    pub token: TokenHash,
    /// From this moment on the link is dead.
    pub expires_at: Timestamp,
}

/// The admin who has yet to set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingSetup {
    /// The admin.
    pub user: UserId,
    /// The admin's organization.
    pub organization: OrganizationId,
}

/// What the admin enters on the link's page.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The admin's name.
    pub name: String,
    /// The address to sign in with.
    pub email: String,
    /// The hash of the password, in PHC form.
    pub password_hash: Secret,
}

/// How an attempt to set up ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetupOutcome {
    /// The admin is set up and the link is used up.
    Completed {
        /// The admin.
        user: UserId,
        /// The admin's organization.
        organization: OrganizationId,
    },
    /// There is no such link, or it was used.
    Unknown,
    /// The link is too old.
    Expired,
}

struct RunBootstrap {
    new: Bootstrap,
    organization: CreateOrganization,
}

impl Write for RunBootstrap {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        refuse_a_second(work.connection().await?).await?;
        let new = &self.new;
        // Its own events stand behind those of the organization's creation.
        self.organization.apply(work).await?;
        users::insert(work, &new.admin, new.organization.id, Role::Admin).await?;
        users::let_create_organizations(work.connection().await?, new.admin.id, true).await?;
        put_link(work.connection().await?, new.admin.id, new.setup).await?;
        if let Some(server) = &new.server {
            servers::insert(work, server).await?;
        }
        Ok(())
    }
}

/// The instance's row is the lock: of two nodes that start together one is first.
async fn refuse_a_second(connection: &mut AnyConnection) -> Result<(), StoreError> {
    sql("UPDATE instance SET id = id")
        .execute(connection)
        .await?;
    let organization = sql("SELECT id FROM organizations LIMIT 1");
    match organization.optional(connection).await? {
        Some(_) => Err(Conflict::AlreadySetUp.into()),
        None => Ok(()),
    }
}

async fn put_link(
    connection: &mut AnyConnection,
    user: UserId,
    link: NewSetupLink,
) -> Result<(), StoreError> {
    sql(
        "INSERT INTO setup_links (user_id, token_hash, expires_at) VALUES ($1, $2, $3)
         ON CONFLICT (user_id) DO UPDATE
         SET token_hash = excluded.token_hash, expires_at = excluded.expires_at",
    )
    .bind(user)
    .bind(link.token)
    .bind(link.expires_at)
    .execute(connection)
    .await?;
    Ok(())
}

struct ReplaceSetupLink {
    user: UserId,
    link: NewSetupLink,
    events: Vec<NewAuditEvent>,
}

impl Write for ReplaceSetupLink {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        put_link(work.connection().await?, self.user, self.link).await?;
        work.audit(&self.events);
        Ok(())
    }
}

impl Store {
    /// Creates the first organization, its pending admin and this server.
    ///
    /// # Errors
    /// [`Conflict::AlreadySetUp`](crate::Conflict::AlreadySetUp) when any organization exists.
    #[boxed]
    pub async fn bootstrap(
        &self,
        new: Bootstrap,
        events: Vec<NewAuditEvent>,
    ) -> Result<(), StoreError> {
        let organization = self.organization_creation(new.organization.clone(), None, events);
        self.write(RunBootstrap { new, organization }).await
    }

    /// Gives a user a new one-time link; the earlier one is dead.
    ///
    /// # Errors
    /// [`Conflict::Missing`](crate::Conflict::Missing) when there is no such user.
    #[boxed]
    pub async fn replace_setup_link(
        &self,
        user: UserId,
        link: NewSetupLink,
        events: Vec<NewAuditEvent>,
    ) -> Result<(), StoreError> {
        self.write(ReplaceSetupLink { user, link, events }).await
    }

    /// Whether there is such a link, and `now` is before its end.
    ///
    /// What this says may be over a moment later; [`Self::complete_setup`] decides.
    #[boxed]
    pub async fn setup_link_is_open(
        &self,
        link: TokenHash,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let row = sql("SELECT expires_at FROM setup_links WHERE token_hash = $1")
            .bind(link)
            .optional(&mut self.reader().await?)
            .await?;
        match row {
            Some(row) => Ok(row.get::<Timestamp>("expires_at")? > now),
            None => Ok(false),
        }
    }

    /// The admin who has yet to set up, whether or not the link is still valid.
    #[boxed]
    pub async fn pending_setup(&self) -> Result<Option<PendingSetup>, StoreError> {
        let row = sql(
            "SELECT users.id AS user_id, memberships.organization_id AS organization_id
             FROM users JOIN memberships ON memberships.user_id = users.id
             WHERE users.email IS NULL AND memberships.role = 'admin'
             ORDER BY users.created_at, users.id, memberships.organization_id LIMIT 1",
        )
        .optional(&mut self.reader().await?)
        .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        Ok(Some(PendingSetup {
            user: row.get("user_id")?,
            organization: row.get("organization_id")?,
        }))
    }
}
