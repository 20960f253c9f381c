//! A row of the audit log, in words.

use reoclo_control::{ActorKind, AuditItem, AuditOutcome, AuditRow};
use serde_json::Value;

use crate::moment::Moment;
use crate::shell::Shell;
use crate::words::Badge;

/// A row as a page shows it.
pub(crate) struct Line {
    pub(crate) seq: i64,
    pub(crate) at: Moment,
    pub(crate) actor: String,
    pub(crate) actor_kind: &'static str,
    pub(crate) action: String,
    pub(crate) resource: String,
    /// The page of what it is about, where it has one.
    pub(crate) href: Option<String>,
    pub(crate) outcome: Badge,
    pub(crate) ip: String,
    /// What else the row says.
    pub(crate) details: Vec<(&'static str, String)>,
    /// The row's own detail, as JSON; empty when there is none.
    pub(crate) json: String,
}

impl Line {
    pub(crate) fn of(item: AuditItem, shell: &Shell) -> Self {
        let row = item.row;
        let (resource, href) = resource(&row);
        let text = |value: Option<String>| value.unwrap_or_default();
        let details = [
            ("Actor id", text(row.actor.id.map(|id| id.to_string()))),
            ("Resource", row.resource_kind.clone()),
            ("Resource id", text(row.resource_id)),
            ("Client", text(row.source.user_agent)),
            (
                "Request",
                text(row.source.request_id.map(|id| id.to_string())),
            ),
            ("Event", row.id.to_string()),
        ];
        Self {
            seq: row.seq,
            at: shell.moment(row.at),
            actor: item.actor_email.unwrap_or(row.actor.label),
            actor_kind: actor_kind(row.actor.kind),
            action: row.action,
            resource,
            href,
            outcome: outcome(row.outcome),
            ip: text(row.source.ip.map(|ip| ip.to_string())),
            details: details
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .collect(),
            json: json(&row.detail),
        }
    }
}

/// What a row is about, and its page. An operation has no name of its own: it is called by what it
/// does and where.
fn resource(row: &AuditRow) -> (String, Option<String>) {
    let named = row.resource_name.clone().filter(|name| !name.is_empty());
    if row.resource_kind != "operation" {
        return (named.unwrap_or_else(|| row.resource_kind.clone()), None);
    }
    let detail = |name: &str| row.detail.get(name).and_then(Value::as_str);
    let what = detail("operation").unwrap_or("operation");
    let text = match detail("server_name") {
        Some(server) => format!("{what} on {server}"),
        None => what.to_owned(),
    };
    let id = row.resource_id.as_ref();
    (text, id.map(|id| format!("/operations/{id}")))
}

fn json(detail: &Value) -> String {
    match detail {
        Value::Null => String::new(),
        Value::Object(fields) if fields.is_empty() => String::new(),
        detail => serde_json::to_string_pretty(detail).unwrap_or_default(),
    }
}

const fn actor_kind(kind: ActorKind) -> &'static str {
    match kind {
        ActorKind::User => "person",
        ActorKind::IntegrationKey => "integration key",
        ActorKind::AutomationKey => "automation key",
        ActorKind::Runner => "runner",
        ActorKind::System => "Reoclo",
    }
}

const fn outcome(outcome: AuditOutcome) -> Badge {
    let (class, text) = match outcome {
        AuditOutcome::Success => ("good", "Success"),
        AuditOutcome::Failure => ("warn", "Failure"),
        AuditOutcome::Refused => ("bad", "Refused"),
        AuditOutcome::Intent => ("", "Intent"),
    };
    Badge { class, text }
}
