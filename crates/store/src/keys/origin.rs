//! Where keys come from, and what became of them.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{KeyKind, OrganizationId, UserId};
use uuid::Uuid;

use super::KeyRef;
use crate::error::StoreError;
use crate::sql::{Record, sql};
use crate::store::Store;

/// Where a new key comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyOrigin {
    /// The mark of the page's form that makes it: of one form there is one key.
    pub form: Option<String>,
    /// The key that it is a copy of.
    pub copy_of: Option<KeyRef>,
    /// The key that it has replaced.
    pub replaces: Option<KeyRef>,
}

/// The keys that one came from, and that stands in for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyKin {
    /// What it is a copy of.
    pub copy_of: Option<KeyRelative>,
    /// What was revoked for it.
    pub replaces: Option<KeyRelative>,
    /// What it was revoked for.
    pub replaced_by: Option<KeyRelative>,
}

/// Another key, as it is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRelative {
    /// Its id; it is of the same kind.
    pub id: Uuid,
    /// The first characters of its token.
    pub prefix: String,
    /// Who made it.
    pub creator: UserId,
}

impl KeyKin {
    pub(super) fn read(row: &Record) -> Result<Self, StoreError> {
        let original = relative(row, ["original_id", "original_prefix", "original_creator"])?;
        let is_copy = row.get::<Option<String>>("copy_of")?.is_some();
        let (copy_of, replaces) = if is_copy {
            (original, None)
        } else {
            (None, original)
        };
        Ok(Self {
            copy_of,
            replaces,
            replaced_by: relative(
                row,
                ["successor_id", "successor_prefix", "successor_creator"],
            )?,
        })
    }
}

fn relative(
    row: &Record,
    [id, prefix, creator]: [&'static str; 3],
) -> Result<Option<KeyRelative>, StoreError> {
    let Some(id) = row.get(id)? else {
        return Ok(None);
    };
    Ok(Some(KeyRelative {
        id,
        prefix: row.get(prefix)?,
        creator: row.get(creator)?,
    }))
}

impl Store {
    /// The key that this form of a page has made.
    #[boxed]
    pub async fn key_of_form(
        &self,
        organization: OrganizationId,
        kind: KeyKind,
        form: &str,
    ) -> Result<Option<KeyRef>, StoreError> {
        let found = sql("SELECT id FROM api_keys
             WHERE organization_id = $1 AND made_from = $2 AND kind = $3")
        .bind(organization)
        .bind(form)
        .bind(kind.as_str())
        .optional(&mut self.reader().await?)
        .await?;
        let Some(row) = found else {
            return Ok(None);
        };
        Ok(Some(match kind {
            KeyKind::Integration => KeyRef::Integration(row.get("id")?),
            KeyKind::Automation => KeyRef::Automation(row.get("id")?),
        }))
    }
}
