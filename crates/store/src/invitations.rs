//! Invitations: a person is in an organization when they have accepted one, and not before.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{InvitationId, OrganizationId, Role, Secret, Timestamp, TokenHash, UserId};
use sqlx::AnyConnection;
use uuid::Uuid;

use crate::audit::NewAuditEvent;
use crate::error::{Conflict, StoreError};
use crate::sql::{Record, sql};
use crate::store::Store;
use crate::users::{self, NewUser, grant};
use crate::writer::{Work, Write};

/// An invitation that was not accepted yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvitationRecord {
    /// Its id.
    pub id: InvitationId,
    /// The organization to join.
    pub organization: OrganizationId,
    /// The address that it is bound to.
    pub email: String,
    /// What whoever invited calls the person.
    pub name: String,
    /// The role to have.
    pub role: Role,
    /// The key that invited, if it was one.
    pub key: Option<Uuid>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From this moment on it is dead.
    pub expires_at: Timestamp,
}

/// Who accepts an invitation.
#[derive(Clone, Debug)]
pub enum Accepting {
    /// Somebody who has no account, with the one that they chose.
    New(NewUser),
    /// Somebody who showed that the account is theirs.
    Account(UserId),
    /// Somebody whose account has no password and is in no organization, with the one that they
    /// chose.
    Unclaimed(UserId, Secret),
}

impl Accepting {
    const fn user(&self) -> UserId {
        match self {
            Self::New(user) => user.id,
            Self::Account(user) | Self::Unclaimed(user, _) => *user,
        }
    }
}

impl InvitationRecord {
    fn read(row: &Record) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            organization: row.get("organization_id")?,
            email: row.get("email")?,
            name: row.get("name")?,
            role: row.get("role")?,
            key: row.get("key_id")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
        })
    }
}

struct Invite {
    new: InvitationRecord,
    token: Option<TokenHash>,
    events: Vec<NewAuditEvent>,
}

impl Write for Invite {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        let new = &self.new;
        users::lock(work.connection().await?, new.organization).await?;
        if is_member(work.connection().await?, new.organization, &new.email).await? {
            return Err(Conflict::Exists.into());
        }
        sql("DELETE FROM invitations
             WHERE organization_id = $1 AND email = $2 AND expires_at <= $3")
        .bind(new.organization)
        .bind(new.email.as_str())
        .bind(new.created_at)
        .execute(work.connection().await?)
        .await?;
        sql(
            "INSERT INTO invitations (id, organization_id, email, name, role, token_hash, key_id,
                 created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(new.id)
        .bind(new.organization)
        .bind(new.email.as_str())
        .bind(new.name.as_str())
        .bind(new.role.as_str())
        .bind(self.token)
        .bind(new.key)
        .bind(new.created_at)
        .bind(new.expires_at)
        .execute(work.connection().await?)
        .await?;
        work.audit(&self.events);
        Ok(())
    }
}

async fn is_member(
    connection: &mut AnyConnection,
    organization: OrganizationId,
    email: &str,
) -> Result<bool, StoreError> {
    let found = sql("SELECT users.id FROM users
         JOIN memberships ON memberships.user_id = users.id
         WHERE memberships.organization_id = $1 AND lower(users.email) = lower($2)")
    .bind(organization)
    .bind(email)
    .optional(connection)
    .await?;
    Ok(found.is_some())
}

struct RenewInvitation {
    organization: OrganizationId,
    id: InvitationId,
    token: TokenHash,
    expires_at: Timestamp,
    events: Vec<NewAuditEvent>,
}

impl Write for RenewInvitation {
    type Output = bool;

    async fn apply(&self, work: &mut Work<'_>) -> Result<bool, StoreError> {
        let changed = sql("UPDATE invitations SET token_hash = $3, expires_at = $4
             WHERE organization_id = $1 AND id = $2")
        .bind(self.organization)
        .bind(self.id)
        .bind(self.token)
        .bind(self.expires_at)
        .execute(work.connection().await?)
        .await?;
        if changed > 0 {
            work.audit(&self.events);
        }
        Ok(changed > 0)
    }
}

struct RemoveInvitation {
    organization: OrganizationId,
    id: InvitationId,
    events: Vec<NewAuditEvent>,
}

impl Write for RemoveInvitation {
    type Output = bool;

    async fn apply(&self, work: &mut Work<'_>) -> Result<bool, StoreError> {
        let removed = sql("DELETE FROM invitations WHERE organization_id = $1 AND id = $2")
            .bind(self.organization)
            .bind(self.id)
            .execute(work.connection().await?)
            .await?;
        if removed > 0 {
            work.audit(&self.events);
        }
        Ok(removed > 0)
    }
}

struct AcceptInvitation {
    token: TokenHash,
    now: Timestamp,
    accepting: Accepting,
    events: Vec<NewAuditEvent>,
}

impl Write for AcceptInvitation {
    type Output = bool;

    async fn apply(&self, work: &mut Work<'_>) -> Result<bool, StoreError> {
        // Of two at once, the second waits here and then finds none.
        let row = sql(
            "DELETE FROM invitations WHERE token_hash = $1 AND expires_at > $2
             RETURNING *",
        )
        .bind(self.token)
        .bind(self.now)
        .optional(work.connection().await?)
        .await?;
        let Some(row) = row else {
            return Ok(false);
        };
        let invitation = InvitationRecord::read(&row)?;
        let (organization, user) = (invitation.organization, self.accepting.user());
        users::lock(work.connection().await?, organization).await?;
        self.check_person(work.connection().await?, &invitation)
            .await?;
        match &self.accepting {
            Accepting::New(new) => {
                users::insert(work, new, organization, invitation.role).await?;
            }
            Accepting::Account(_) | Accepting::Unclaimed(..) => {
                if is_member(work.connection().await?, organization, &invitation.email).await? {
                    return Err(Conflict::Exists.into());
                }
                grant(work, organization, user, invitation.role).await?;
            }
        }
        sql("UPDATE memberships SET key_id = $3 WHERE organization_id = $1 AND user_id = $2")
            .bind(organization)
            .bind(user)
            .bind(invitation.key)
            .execute(work.connection().await?)
            .await?;
        work.audit(&self.events);
        Ok(true)
    }
}

impl AcceptInvitation {
    /// The account is that of the invitation's address, and nobody else could have claimed it.
    async fn check_person(
        &self,
        connection: &mut AnyConnection,
        invitation: &InvitationRecord,
    ) -> Result<(), StoreError> {
        let statement = match &self.accepting {
            Accepting::New(_) => return Ok(()),
            Accepting::Account(_) => {
                "UPDATE users SET name = name WHERE id = $1 AND lower(email) = lower($2)"
            }
            Accepting::Unclaimed(..) => {
                "UPDATE users SET password_hash = $3, temporary_until = NULL
                 WHERE id = $1 AND lower(email) = lower($2) AND password_hash IS NULL
                     AND NOT EXISTS (SELECT 1 FROM memberships WHERE user_id = $1)"
            }
        };
        let statement = sql(statement)
            .bind(self.accepting.user())
            .bind(invitation.email.as_str());
        let statement = match &self.accepting {
            Accepting::Unclaimed(_, hash) => statement.bind(hash),
            Accepting::New(_) | Accepting::Account(_) => statement,
        };
        match statement.execute(connection).await? {
            0 => Err(Conflict::Changed.into()),
            _ => Ok(()),
        }
    }
}

impl Store {
    /// Invites somebody. An invitation of theirs that is over goes.
    ///
    /// # Errors
    /// [`Conflict::Exists`] when they are in the organization, [`Conflict::Taken`] when they are
    /// invited already, [`Conflict::Missing`] for an unknown organization.
    #[boxed]
    pub async fn invite(
        &self,
        new: InvitationRecord,
        token: Option<TokenHash>,
        events: Vec<NewAuditEvent>,
    ) -> Result<(), StoreError> {
        self.write(Invite { new, token, events }).await
    }

    /// Gives an invitation another link and another end; the link before is dead. `false` when
    /// the organization has no such invitation.
    #[boxed]
    pub async fn renew_invitation(
        &self,
        organization: OrganizationId,
        id: InvitationId,
        token: TokenHash,
        expires_at: Timestamp,
        events: Vec<NewAuditEvent>,
    ) -> Result<bool, StoreError> {
        let write = RenewInvitation {
            organization,
            id,
            token,
            expires_at,
            events,
        };
        self.write(write).await
    }

    /// Takes an invitation back. `false` when the organization has no such invitation.
    #[boxed]
    pub async fn remove_invitation(
        &self,
        organization: OrganizationId,
        id: InvitationId,
        events: Vec<NewAuditEvent>,
    ) -> Result<bool, StoreError> {
        let write = RemoveInvitation {
            organization,
            id,
            events,
        };
        self.write(write).await
    }

    /// Makes somebody a member as their invitation says, and uses it up. `false` when there is no
    /// such invitation, or it is over.
    ///
    /// # Errors
    /// [`Conflict::Exists`] for somebody who is in the organization, [`Conflict::Taken`] when a
    /// new account's address is taken, [`Conflict::Changed`] when the account is another's or was
    /// claimed meanwhile.
    #[boxed]
    pub async fn accept_invitation(
        &self,
        token: TokenHash,
        now: Timestamp,
        accepting: Accepting,
        events: Vec<NewAuditEvent>,
    ) -> Result<bool, StoreError> {
        let write = AcceptInvitation {
            token,
            now,
            accepting,
            events,
        };
        self.write(write).await
    }

    /// The invitation with that link.
    #[boxed]
    pub async fn invitation_of(
        &self,
        token: TokenHash,
    ) -> Result<Option<InvitationRecord>, StoreError> {
        let row = sql("SELECT * FROM invitations WHERE token_hash = $1")
            .bind(token)
            .optional(&mut self.reader().await?)
            .await?;
        row.as_ref().map(InvitationRecord::read).transpose()
    }

    /// The organization's invitations, by address.
    #[boxed]
    pub async fn invitations(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<InvitationRecord>, StoreError> {
        sql("SELECT * FROM invitations WHERE organization_id = $1 ORDER BY email")
            .bind(organization)
            .all(&mut self.reader().await?, InvitationRecord::read)
            .await
    }
}
