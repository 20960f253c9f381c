//! What an audit row says.

use std::net::IpAddr;

use reoclo_domain::{AuditEventId, ClientSource, OrganizationId, RequestId, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use super::names::{ActorKind, AuditOutcome};
use crate::error::StoreError;
use crate::sql::{Record, unreadable};

/// An event to append.
#[derive(Clone, Debug, PartialEq)]
pub struct NewAuditEvent {
    /// Its id.
    pub id: AuditEventId,
    /// The organization whose chain it goes to; `None` is the instance's.
    pub organization: Option<OrganizationId>,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// Where the request came from.
    pub source: RequestSource,
    /// What was done: `operation.start`.
    pub action: &'static str,
    /// What it was done to.
    pub resource: Resource,
    /// How it ended.
    pub outcome: AuditOutcome,
    /// What else is worth knowing; masked, never a secret.
    pub detail: Value,
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// What kind of actor it is.
    pub kind: ActorKind,
    /// Its id, where it has one.
    pub id: Option<Uuid>,
    /// What people call it.
    pub label: String,
}

/// Where a request came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestSource {
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// What the client calls itself.
    pub user_agent: Option<String>,
    /// What it says that it asks for: `mcp`, of a client that an AI assistant speaks through.
    pub via: Option<ClientSource>,
    /// The request, as named in errors and logs.
    pub request_id: Option<RequestId>,
}

/// What something was done to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// What kind of thing it is.
    pub kind: &'static str,
    /// Its id.
    pub id: Option<String>,
    /// Its name at that time.
    pub name: Option<String>,
}

/// An event as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRow {
    /// Its place in the chain, from 1 without gaps.
    pub seq: i64,
    /// Its id.
    pub id: AuditEventId,
    /// The organization whose chain it is in; `None` is the instance's.
    pub organization: Option<OrganizationId>,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// Where the request came from.
    pub source: RequestSource,
    /// What was done.
    pub action: String,
    /// What kind of thing it was done to.
    pub resource_kind: String,
    /// That thing's id.
    pub resource_id: Option<String>,
    /// That thing's name at that time.
    pub resource_name: Option<String>,
    /// How it ended.
    pub outcome: AuditOutcome,
    /// What else is worth knowing.
    pub detail: Value,
    /// The hash of the row before; zeros for the first.
    pub previous_hash: [u8; 32],
    /// SHA-256 over the hash before and this row.
    pub hash: [u8; 32],
}

impl Actor {
    /// The instance itself.
    pub fn system() -> Self {
        Self {
            kind: ActorKind::System,
            id: None,
            label: "reoclo".to_owned(),
        }
    }
}

impl AuditRow {
    /// The row of a chain.
    pub(crate) fn read(
        row: &Record,
        organization: Option<OrganizationId>,
    ) -> Result<Self, StoreError> {
        let detail: String = row.get("detail")?;
        Ok(Self {
            seq: row.get("seq")?,
            id: row.get("id")?,
            organization,
            at: row.get("at")?,
            actor: Actor {
                kind: row.get("actor_kind")?,
                id: row.get("actor_id")?,
                label: row.get("actor_label")?,
            },
            source: RequestSource {
                ip: row.get("ip")?,
                user_agent: row.get("user_agent")?,
                via: stored_source(row)?,
                request_id: row.get("request_id")?,
            },
            action: row.get("action")?,
            resource_kind: row.get("resource_kind")?,
            resource_id: row.get("resource_id")?,
            resource_name: row.get("resource_name")?,
            outcome: row.get("outcome")?,
            detail: serde_json::from_str(&detail).map_err(|_| unreadable("detail"))?,
            previous_hash: row.get("prev_hash")?,
            hash: row.get("hash")?,
        })
    }
}

/// What stands there was cleaned when it came; what is no source now shows in a verification.
pub(crate) fn stored_source(row: &Record) -> Result<Option<ClientSource>, StoreError> {
    let source: Option<String> = row.get("source")?;
    Ok(source.and_then(|source| source.parse().ok()))
}
