//! Finding the session of a request.

use async_recursion::async_recursion as boxed;
use reoclo_domain::TokenHash;

use super::SessionRecord;
use crate::error::StoreError;
use crate::sql::{Record, sql_of_literals};
use crate::store::Store;

impl SessionRecord {
    fn read(row: &Record) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            user: row.get("user_id")?,
            email: row.get::<Option<String>>("email")?.unwrap_or_default(),
            name: row.get::<Option<String>>("name")?.unwrap_or_default(),
            organization: row.get("organization_id")?,
            role: row.get("role")?,
            must_change_password: row
                .get::<Option<reoclo_domain::Timestamp>>("temporary_until")?
                .is_some(),
            may_create_organizations: row.get("may_create_organizations")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
            last_seen_at: row.get("last_seen_at")?,
        })
    }
}

const SELECT: &str =
    "SELECT sessions.id, sessions.user_id, sessions.organization_id, sessions.created_at,
         sessions.expires_at, sessions.last_seen_at, sessions.token_hash, users.email, users.name,
         users.temporary_until, users.may_create_organizations, memberships.role
     FROM sessions JOIN users ON users.id = sessions.user_id
     LEFT JOIN memberships ON memberships.organization_id = sessions.organization_id
         AND memberships.user_id = sessions.user_id
     WHERE sessions.token_hash IN (";

impl Store {
    /// The session with that token, with the person and their role as they are now; also when it
    /// is over, unless it was ended.
    #[boxed]
    pub async fn find_session(
        &self,
        token: &TokenHash,
    ) -> Result<Option<SessionRecord>, StoreError> {
        let found = self.find_sessions(std::slice::from_ref(token)).await?;
        Ok(found.into_iter().next().map(|(_, session)| session))
    }

    /// The sessions with these tokens, each with its token, in no order.
    #[boxed]
    pub async fn find_sessions(
        &self,
        tokens: &[TokenHash],
    ) -> Result<Vec<(TokenHash, SessionRecord)>, StoreError> {
        if tokens.is_empty() {
            return Ok(Vec::new());
        }
        let places: Vec<String> = (1..=tokens.len()).map(|at| format!("${at}")).collect();
        let statement = sql_of_literals(format!("{SELECT}{})", places.join(", ")));
        let statement = tokens
            .iter()
            .fold(statement, |statement, token| statement.bind(*token));
        statement
            .all(&mut self.reader().await?, |row| {
                let token = TokenHash::from_bytes(row.get("token_hash")?);
                Ok((token, SessionRecord::read(row)?))
            })
            .await
    }
}
