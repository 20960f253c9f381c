//! A row of the audit log, in words.

use reoclo_control::{ActorKind, AuditItem, AuditOutcome, AuditRow};
use reoclo_domain::{ErrorCode, counted};
use serde_json::Value;

use crate::moment::Moment;
use crate::shell::Shell;
use crate::visible::visible;
use crate::words::Badge;

/// A row as a page shows it.
pub(crate) struct Line {
    pub(crate) seq: i64,
    pub(crate) at: Moment,
    pub(crate) actor: String,
    pub(crate) actor_kind: &'static str,
    pub(crate) action: String,
    /// What was refused: a line for each thing that was asked for.
    pub(crate) refused: Vec<String>,
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
        let actor = item.actor_called().unwrap_or_default();
        let AuditItem { row, server, .. } = item;
        let server = server.and_then(|server| server.name);
        let (resource, href) = resource(&row, server);
        let text = |value: Option<String>| value.unwrap_or_default();
        let details = [
            ("Actor id", text(row.actor.id.map(|id| id.to_string()))),
            ("Resource", row.resource_kind.clone()),
            ("Resource id", text(row.resource_id)),
            ("Client", text(row.source.user_agent)),
            ("Source", text(row.source.via.map(|via| via.to_string()))),
            (
                "Request",
                text(row.source.request_id.map(|id| id.to_string())),
            ),
            ("Event", row.id.to_string()),
        ];
        Self {
            seq: row.seq,
            at: shell.moment(row.at),
            actor,
            actor_kind: actor_kind(row.actor.kind),
            action: row.action,
            refused: refused(row.outcome, &row.detail),
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
fn resource(row: &AuditRow, server: Option<String>) -> (String, Option<String>) {
    let named = row.resource_name.clone().filter(|name| !name.is_empty());
    if row.resource_kind != "operation" {
        let is_server = row.resource_kind == "server";
        let named = named.or_else(|| server.filter(|_| is_server));
        return (named.unwrap_or_else(|| row.resource_kind.clone()), None);
    }
    let detail = |name: &str| row.detail.get(name).and_then(Value::as_str);
    let what = detail("operation").unwrap_or("operation");
    let text = match server {
        Some(server) => format!("{what} on {server}"),
        None => what.to_owned(),
    };
    let id = row.resource_id.as_ref();
    (text, id.map(|id| format!("/operations/{id}")))
}

/// What was asked for and why that was refused, of a row that says so.
fn refused(outcome: AuditOutcome, detail: &Value) -> Vec<String> {
    if outcome != AuditOutcome::Refused {
        return Vec::new();
    }
    let text = |name: &str| detail.get(name).and_then(Value::as_str);
    let Some(code) = text("code") else {
        return text("reason").map(visible).into_iter().collect();
    };
    let last = std::slice::from_ref(detail);
    let all = detail.get("asked").and_then(Value::as_array);
    let all = all.filter(|asked| !asked.is_empty());
    let asked = all.map_or(last, Vec::as_slice).iter();
    asked.map(|asked| refusal(code, asked)).collect()
}

fn refusal(code: &str, asked: &Value) -> String {
    let text = |name: &str| asked.get(name).and_then(Value::as_str);
    let mut line = match (text("method"), text("route")) {
        (Some(method), Some(route)) => format!("{method} {route}"),
        _ => text("permission").unwrap_or_default().to_owned(),
    };
    if let Some(server) = text("server_name").or(text("server_id")) {
        line = format!("{line} on {server}");
    }
    let count = asked.get("count").and_then(Value::as_u64).unwrap_or(1);
    let times = if count > 1 {
        format!(", {}", counted(count, "time"))
    } else {
        String::new()
    };
    let why = why(code);
    if line.is_empty() {
        return format!("{why}{times}");
    }
    format!("{}: {why}{times}", visible(&line))
}

/// Why something was refused, in words; a code that is not known here stays as it is.
fn why(code: &str) -> String {
    let Ok(known) = code.parse::<ErrorCode>() else {
        return visible(code);
    };
    let words = match known {
        ErrorCode::PermissionDenied => "the permission is missing",
        ErrorCode::RoleInsufficient => "the role does not allow it",
        ErrorCode::OperationNotAllowed => "the key may not do this",
        ErrorCode::ServerNotInScope => "the key is not for this server",
        ErrorCode::CredentialNotInScope => "the key is not for this credential",
        ErrorCode::IpNotAllowed => "not from an allowed address",
        ErrorCode::RateLimited => "over the rate limit",
        ErrorCode::TooManyAttempts => "too many attempts",
        ErrorCode::ServerBusy => "the server had no room",
        ErrorCode::ServerUnreachable => "the server's runner was not connected",
        ErrorCode::RunnerOutdated => "the server's runner is too old for it",
        ErrorCode::KeyExpired => "the key has expired",
        ErrorCode::KeyRevoked => "the key was revoked",
        ErrorCode::WrongKeyType => "a key of the wrong kind",
        ErrorCode::InvalidCredentials => "wrong e-mail address or password",
        _ => return visible(code),
    };
    words.to_owned()
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
