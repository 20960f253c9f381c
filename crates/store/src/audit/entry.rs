//! A row of the audit log as the database has it, and its hash.

use reoclo_domain::masking::masked_shapes;
use ring::digest::{Context, SHA256};
use serde_json::Value;

use crate::audit::{Chain, NewAuditEvent};
use crate::error::StoreError;
use crate::sql::{Record, Statement, sql};

/// The hash before the first row.
pub(crate) const NO_HASH: [u8; 32] = [0; 32];

/// Names the encoding, so that no other use of SHA-256 yields the same bytes.
const ENCODING: &[u8] = b"reoclo audit row 1";

/// Every column of a row but the hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) chain: String,
    pub(crate) seq: i64,
    pub(crate) id: String,
    pub(crate) at: i64,
    pub(crate) actor_kind: String,
    pub(crate) actor_id: Option<String>,
    pub(crate) actor_label: String,
    pub(crate) ip: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) action: String,
    pub(crate) resource_kind: String,
    pub(crate) resource_id: Option<String>,
    pub(crate) resource_name: Option<String>,
    pub(crate) outcome: String,
    pub(crate) detail: String,
    /// Rows of earlier versions have none.
    pub(crate) source: Option<String>,
}

/// A row with its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LinkedEntry {
    pub(crate) entry: Entry,
    pub(crate) prev_hash: [u8; 32],
    pub(crate) hash: [u8; 32],
}

impl Entry {
    /// The event as row `seq` of its chain. Whatever is a secret by its shape is taken out of it
    /// here, since a row cannot be changed any more.
    pub(crate) fn new(event: &NewAuditEvent, seq: i64) -> Self {
        Self {
            chain: Chain::of(event.organization).to_string(),
            seq,
            id: event.id.to_string(),
            at: event.at.as_micros(),
            actor_kind: event.actor.kind.as_str().to_owned(),
            actor_id: event.actor.id.map(|id| id.to_string()),
            actor_label: masked_shapes(&event.actor.label),
            ip: event.source.ip.map(|ip| ip.to_string()),
            user_agent: event.source.user_agent.as_deref().map(masked_shapes),
            request_id: event.source.request_id.map(|id| id.to_string()),
            action: event.action.to_owned(),
            resource_kind: event.resource.kind.to_owned(),
            resource_id: event.resource.id.as_deref().map(masked_shapes),
            resource_name: event.resource.name.as_deref().map(masked_shapes),
            outcome: event.outcome.as_str().to_owned(),
            detail: masked_value(&event.detail).to_string(),
            source: event.source.via.as_ref().map(ToString::to_string),
        }
    }

    /// Whether there is anything in it that is a secret by its shape.
    pub(crate) fn has_secret(&self) -> bool {
        let texts = [
            Some(&self.actor_label),
            self.user_agent.as_ref(),
            self.resource_id.as_ref(),
            self.resource_name.as_ref(),
        ];
        let in_detail = match serde_json::from_str::<Value>(&self.detail) {
            Ok(detail) => masked_value(&detail) != detail,
            Err(_) => masked_shapes(&self.detail) != self.detail,
        };
        in_detail
            || texts
                .into_iter()
                .flatten()
                .any(|text| masked_shapes(text) != *text)
    }

    /// SHA-256 over the hash before and every column, each with its type and length, so that no
    /// two different rows have the same encoding. A column that came later stands at the end where
    /// a row has a value in it: a row without has the encoding of before.
    pub(crate) fn hash(&self, prev_hash: &[u8; 32]) -> [u8; 32] {
        let mut encoding = Encoding(Context::new(&SHA256));
        encoding.0.update(ENCODING);
        encoding.0.update(prev_hash);
        encoding.text(&self.chain);
        encoding.integer(self.seq);
        encoding.text(&self.id);
        encoding.integer(self.at);
        encoding.text(&self.actor_kind);
        encoding.text_or_null(self.actor_id.as_deref());
        encoding.text(&self.actor_label);
        encoding.text_or_null(self.ip.as_deref());
        encoding.text_or_null(self.user_agent.as_deref());
        encoding.text_or_null(self.request_id.as_deref());
        encoding.text(&self.action);
        encoding.text(&self.resource_kind);
        encoding.text_or_null(self.resource_id.as_deref());
        encoding.text_or_null(self.resource_name.as_deref());
        encoding.text(&self.outcome);
        encoding.text(&self.detail);
        if let Some(source) = &self.source {
            encoding.text("source");
            encoding.text(source);
        }
        encoding.finish()
    }
}

/// The value without what is a secret by its shape.
fn masked_value(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(masked_shapes(text)),
        Value::Array(values) => values.iter().map(masked_value).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (masked_shapes(name), masked_value(value)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// Values with their types and lengths, digested.
pub(crate) struct Encoding(Context);

impl Encoding {
    fn integer(&mut self, value: i64) {
        self.0.update(&[1]);
        self.0.update(&value.to_be_bytes());
    }

    fn text(&mut self, value: &str) {
        self.0.update(&[2]);
        self.0.update(&(value.len() as u64).to_be_bytes());
        self.0.update(value.as_bytes());
    }

    fn text_or_null(&mut self, value: Option<&str>) {
        match value {
            Some(value) => self.text(value),
            None => self.0.update(&[0]),
        }
    }

    fn finish(self) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(self.0.finish().as_ref());
        hash
    }
}

impl LinkedEntry {
    /// The row as it is, if every column has the right type.
    pub(crate) fn read(row: &Record) -> Result<Self, StoreError> {
        let entry = Entry {
            chain: row.get("chain")?,
            seq: row.get("seq")?,
            id: row.get("id")?,
            at: row.get("at")?,
            actor_kind: row.get("actor_kind")?,
            actor_id: row.get("actor_id")?,
            actor_label: row.get("actor_label")?,
            ip: row.get("ip")?,
            user_agent: row.get("user_agent")?,
            request_id: row.get("request_id")?,
            action: row.get("action")?,
            resource_kind: row.get("resource_kind")?,
            resource_id: row.get("resource_id")?,
            resource_name: row.get("resource_name")?,
            outcome: row.get("outcome")?,
            detail: row.get("detail")?,
            source: row.get("source")?,
        };
        Ok(Self {
            entry,
            prev_hash: row.get("prev_hash")?,
            hash: row.get("hash")?,
        })
    }

    /// Binds every column, in the order of [`COLUMNS`].
    pub(crate) fn bind(self, statement: Statement) -> Statement {
        let entry = self.entry;
        statement
            .bind(entry.chain)
            .bind(entry.seq)
            .bind(entry.id)
            .bind(entry.at)
            .bind(entry.actor_kind)
            .bind(entry.actor_id)
            .bind(entry.actor_label)
            .bind(entry.ip)
            .bind(entry.user_agent)
            .bind(entry.request_id)
            .bind(entry.action)
            .bind(entry.resource_kind)
            .bind(entry.resource_id)
            .bind(entry.resource_name)
            .bind(entry.outcome)
            .bind(entry.detail)
            .bind(entry.source)
            .bind(self.prev_hash)
            .bind(self.hash)
    }
}

/// Every column of the table.
pub(crate) const COLUMNS: [&str; 19] = [
    "chain",
    "seq",
    "id",
    "at",
    "actor_kind",
    "actor_id",
    "actor_label",
    "ip",
    "user_agent",
    "request_id",
    "action",
    "resource_kind",
    "resource_id",
    "resource_name",
    "outcome",
    "detail",
    "source",
    "prev_hash",
    "hash",
];

/// The rows of a chain behind `seq`, in order.
pub(crate) fn after(chain: &str, seq: i64, limit: i64) -> Statement {
    sql(
        "SELECT chain, seq, id, at, actor_kind, actor_id, actor_label, ip, user_agent,
                request_id, action, resource_kind, resource_id, resource_name, outcome, detail,
                source, prev_hash, hash
         FROM audit_events WHERE chain = $1 AND seq > $2 ORDER BY seq LIMIT $3",
    )
    .bind(chain)
    .bind(seq)
    .bind(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            chain: "instance".into(),
            seq: 1,
            id: "id".into(),
            at: 2,
            actor_kind: "user".into(),
            actor_id: None,
            actor_label: "ab".into(),
            ip: None,
            user_agent: None,
            request_id: None,
            action: "c".into(),
            resource_kind: "server".into(),
            resource_id: None,
            resource_name: None,
            outcome: "success".into(),
            detail: "{}".into(),
            source: None,
        }
    }

    #[test]
    fn nothing_and_empty_are_told_apart() {
        let empty = Entry {
            ip: Some(String::new()),
            ..entry()
        };
        assert_ne!(empty.hash(&NO_HASH), entry().hash(&NO_HASH));
    }

    #[test]
    fn a_letter_cannot_move_to_the_next_column() {
        let moved = Entry {
            action: "abc".into(),
            actor_label: String::new(),
            ..entry()
        };
        assert_ne!(moved.hash(&NO_HASH), entry().hash(&NO_HASH));
        let moved = Entry {
            user_agent: Some("x".into()),
            ..entry()
        };
        let other = Entry {
            ip: Some("x".into()),
            ..entry()
        };
        assert_ne!(moved.hash(&NO_HASH), other.hash(&NO_HASH));
    }

    #[test]
    fn a_source_is_part_of_the_hash_and_its_absence_is_not() {
        let with = |source: &str| Entry {
            source: Some(source.into()),
            ..entry()
        };
        let hashes = [entry(), with(""), with("mcp"), with("mcq")].map(|row| row.hash(&NO_HASH));
        for (place, hash) in hashes.iter().enumerate() {
            assert!(!hashes[..place].contains(hash), "{place}");
        }
    }

    #[test]
    fn the_hash_of_a_row_never_changes() {
        // Databases hold hashes of this encoding: another value here breaks every audit log.
        assert_eq!(
            reoclo_domain::hex::encode(&entry().hash(&NO_HASH)[..8]),
            "1a7e523d25e286ec"
        );
    }
}
