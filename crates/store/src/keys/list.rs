//! Keys as people list them.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{KeyKind, KeyStatus, OrganizationId, Timestamp, UserId};
use uuid::Uuid;

use super::KeyRef;
use super::details::{KeyDetails, details_where};
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;

/// Which keys of an organization to list; `None` is any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyQuery {
    /// The kind of key.
    pub kind: KeyKind,
    /// Only keys that this person made.
    pub creator: Option<UserId>,
    /// Only keys that have this status at that moment.
    pub status: Option<(KeyStatus, Timestamp)>,
    /// Only keys whose label or shown prefix has this in it, in whatever case. SQLite knows the
    /// cases of ASCII letters alone.
    pub search: Option<String>,
    /// Only keys that are older than the one with this id.
    pub before: Option<Uuid>,
    /// The most keys to list.
    pub limit: u32,
}

const SELECT: &str = details_where!(
    "api_keys.organization_id = $1 AND api_keys.kind = $2
         AND ($3 IS NULL OR api_keys.creator_id = $3)
         AND ($4 IS NULL OR api_keys.id < $4)
         AND ($5 IS NULL OR $5 = CASE WHEN api_keys.revoked_at IS NOT NULL THEN 'revoked'
             WHEN api_keys.expires_at <= $6 THEN 'expired' ELSE 'active' END)
         AND ($7 IS NULL OR lower(api_keys.label) LIKE lower($7) ESCAPE '!'
             OR api_keys.label LIKE $7 ESCAPE '!' OR lower(api_keys.prefix) LIKE lower($7) ESCAPE '!')
     ORDER BY api_keys.id DESC LIMIT $8"
);

impl Store {
    /// The organization's keys, newest first.
    #[boxed]
    pub async fn list_keys(
        &self,
        organization: OrganizationId,
        query: &KeyQuery,
    ) -> Result<Vec<KeyDetails>, StoreError> {
        let (status, at) = query.status.unzip();
        sql(SELECT)
            .bind(organization)
            .bind(query.kind.as_str())
            .bind(query.creator)
            .bind(query.before)
            .bind(status.map(KeyStatus::as_str))
            .bind(at)
            .bind(query.search.as_deref().map(pattern))
            .bind(query.limit)
            .all(&mut self.reader().await?, KeyDetails::read)
            .await
    }

    /// One key of the organization.
    #[boxed]
    pub async fn key_details(
        &self,
        organization: OrganizationId,
        key: KeyRef,
    ) -> Result<Option<KeyDetails>, StoreError> {
        let row = sql(details_where!(
            "api_keys.organization_id = $1 AND api_keys.kind = $2 AND api_keys.id = $3"
        ))
        .bind(organization)
        .bind(key.kind().as_str())
        .bind(key.as_uuid())
        .optional(&mut self.reader().await?)
        .await?;
        row.as_ref().map(KeyDetails::read).transpose()
    }
}

/// What `LIKE` finds the text with, wherever it stands.
fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}
