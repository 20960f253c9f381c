//! Passwords; a new one ends the sessions of its person.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{Secret, Timestamp, UserId};
use sqlx::AnyConnection;

use crate::audit::NewAuditEvent;
use crate::error::{Conflict, StoreError};
use crate::sessions::{NewSession, end_all, insert};
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

/// A password to set.
#[derive(Clone, Debug)]
pub struct NewPassword {
    /// The hash, in PHC form.
    pub hash: Secret,
    /// Until when it is good, when somebody else chose it: its owner must change it.
    pub temporary_until: Option<Timestamp>,
    /// The hash that it takes the place of; with none, whatever is there.
    pub replaces: Option<Secret>,
}

struct SetPassword {
    user: UserId,
    password: NewPassword,
    session: Option<NewSession>,
    events: Vec<NewAuditEvent>,
}

impl Write for SetPassword {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        put_password(work.connection().await?, self.user, &self.password).await?;
        end_all(work.connection().await?, self.user).await?;
        if let Some(session) = &self.session {
            insert(work.connection().await?, session).await?;
        }
        work.audit(&self.events);
        Ok(())
    }
}

/// Sets a person's password, unless another has taken the place of the one that it replaces.
pub(super) async fn put_password(
    connection: &mut AnyConnection,
    user: UserId,
    password: &NewPassword,
) -> Result<(), StoreError> {
    let changed = sql("UPDATE users SET password_hash = $2, temporary_until = $3
         WHERE id = $1 AND COALESCE(password_hash, '') = COALESCE($4, password_hash, '')")
    .bind(user)
    .bind(&password.hash)
    .bind(password.temporary_until)
    .bind(password.replaces.as_ref())
    .execute(connection)
    .await?;
    match (changed, &password.replaces) {
        (0, None) => Err(Conflict::Missing.into()),
        (0, Some(_)) => Err(Conflict::Changed.into()),
        _ => Ok(()),
    }
}

impl Store {
    /// Sets a person's password and ends all their sessions; `session` is begun in their place.
    ///
    /// # Errors
    /// [`Conflict::Missing`] when there is no such person, [`Conflict::Changed`] when the password
    /// is no longer the one that it replaces.
    #[boxed]
    pub async fn set_password(
        &self,
        user: UserId,
        password: NewPassword,
        session: Option<NewSession>,
        events: Vec<NewAuditEvent>,
    ) -> Result<(), StoreError> {
        let write = SetPassword {
            user,
            password,
            session,
            events,
        };
        self.write(write).await
    }
}
