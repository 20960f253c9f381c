//! Keys with what people see beside them.

use std::net::IpAddr;

use reoclo_domain::{Role, Timestamp, UserId};

use super::{KeyKin, KeyRecord};
use crate::error::StoreError;
use crate::sql::Record;

/// A key with what people see beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDetails {
    /// The key.
    pub key: KeyRecord,
    /// Who made it.
    pub creator: KeyCreator,
    /// When and from where it was used last.
    pub last_use: Option<LastUse>,
    /// The keys that it came from, and that stands in for it.
    pub kin: KeyKin,
}

/// Who made a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCreator {
    /// The person.
    pub id: UserId,
    /// The person's e-mail address, once they have an account.
    pub email: Option<String>,
    /// The person's name, once they have an account.
    pub name: Option<String>,
    /// The person's role in the key's organization; `None` when they have left it.
    pub role: Option<Role>,
}

/// The last use of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastUse {
    /// When.
    pub at: Timestamp,
    /// From where.
    pub ip: IpAddr,
    /// What the client called itself.
    pub user_agent: String,
}

/// What [`KeyDetails::read`] reads; a condition on `api_keys` follows.
macro_rules! details_where {
    ($condition:literal) => {
        concat!(
            "SELECT api_keys.*, users.email AS creator_email, users.name AS creator_name,
                 memberships.role AS creator_role,
                 originals.id AS original_id, originals.prefix AS original_prefix,
                 originals.creator_id AS original_creator,
                 successors.id AS successor_id, successors.prefix AS successor_prefix,
                 successors.creator_id AS successor_creator
             FROM api_keys
             LEFT JOIN users ON users.id = api_keys.creator_id
             LEFT JOIN memberships ON memberships.user_id = api_keys.creator_id
                 AND memberships.organization_id = api_keys.organization_id
             LEFT JOIN api_keys AS originals
                 ON originals.id = COALESCE(api_keys.copy_of, api_keys.replaces)
             LEFT JOIN api_keys AS successors ON successors.replaces = api_keys.id
             WHERE ",
            $condition
        )
    };
}

pub(super) use details_where;

impl KeyDetails {
    pub(super) fn read(row: &Record) -> Result<Self, StoreError> {
        let key = KeyRecord::read(row)?;
        let creator = KeyCreator {
            id: key.creator(),
            email: row.get("creator_email")?,
            name: row.get("creator_name")?,
            role: row.get("creator_role")?,
        };
        Ok(Self {
            key,
            creator,
            last_use: LastUse::read(row)?,
            kin: KeyKin::read(row)?,
        })
    }
}

impl LastUse {
    fn read(row: &Record) -> Result<Option<Self>, StoreError> {
        let Some(at) = row.get("last_used_at")? else {
            return Ok(None);
        };
        Ok(Some(Self {
            at,
            ip: row.get("last_used_ip")?,
            user_agent: row.get("last_used_user_agent")?,
        }))
    }
}
