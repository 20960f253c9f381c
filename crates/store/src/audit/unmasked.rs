//! Rows of the audit log that hold what the rules of today would have hidden. They are found and
//! named, and stay: a row that changes breaks its chain.

use async_recursion::async_recursion as boxed;

use super::entry::LinkedEntry;
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;

/// Rows that are looked at in one go.
const PAGE: i64 = 500;

/// A row of the audit log, by its chain and its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPlace {
    /// The chain, as in an export: an organization's id, or `instance`.
    pub chain: String,
    /// Its place in it.
    pub seq: i64,
}

/// What was found in some rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnmaskedRows {
    /// How many were looked at.
    pub examined: u64,
    /// Those with something that would be hidden today.
    pub found: Vec<AuditPlace>,
    /// Where to go on; none at the end.
    pub next: Option<AuditPlace>,
}

impl Store {
    /// Looks at some rows of all chains behind `after`.
    #[boxed]
    pub async fn unmasked_audit_rows(
        &self,
        after: Option<&AuditPlace>,
    ) -> Result<UnmaskedRows, StoreError> {
        let (chain, seq) = after.map_or(("", 0), |place| (place.chain.as_str(), place.seq));
        let page = sql(
            "SELECT chain, seq, id, at, actor_kind, actor_id, actor_label, ip,
                 user_agent, request_id, action, resource_kind, resource_id, resource_name,
                 outcome, detail, source, prev_hash, hash
             FROM audit_events WHERE (chain, seq) > ($1, $2) ORDER BY chain, seq LIMIT $3",
        )
        .bind(chain)
        .bind(seq)
        .bind(PAGE)
        .all(&mut self.reader().await?, LinkedEntry::read)
        .await?;
        let is_last = i64::try_from(page.len()).is_ok_and(|count| count < PAGE);
        let mut rows = UnmaskedRows::default();
        for row in page {
            let place = AuditPlace {
                chain: row.entry.chain.clone(),
                seq: row.entry.seq,
            };
            if row.entry.has_secret() {
                rows.found.push(place.clone());
            }
            rows.examined += 1;
            rows.next = Some(place);
        }
        if is_last {
            rows.next = None;
        }
        Ok(rows)
    }
}
