//! A key in the detail of an audit row: what it may do, and never its token or the hash of it.

use std::fmt::Display;

use reoclo_domain::{AllowlistEntry, OperationKind, Preset, Scope};
use reoclo_store::{AutomationKeyRecord, IntegrationKeyRecord, KeyRecord};
use serde_json::{Value, json};

/// The most networks that a row lists; of more, it has the number.
const MAX_NETWORKS: usize = 100;

/// What an audit row says of a key.
pub(crate) fn describe(key: &KeyRecord) -> Value {
    json!({
        "id": key.key_ref().as_uuid(),
        "prefix": key.prefix(),
        "label": key.label(),
        "expires_at": key.life().expires_at,
        "scope": match key {
            KeyRecord::Integration(key) => integration(key),
            KeyRecord::Automation(key) => automation(key),
        },
    })
}

fn integration(key: &IntegrationKeyRecord) -> Value {
    let mut scope = json!({ "preset": key.preset.as_str() });
    if let Preset::Custom(cells) = key.preset {
        let names: Vec<String> = cells.cells().map(|cell| cell.to_string()).collect();
        scope["permissions"] = json!(names);
    }
    scope
}

fn automation(key: &AutomationKeyRecord) -> Value {
    let operations: Vec<_> = key
        .scope
        .operations
        .iter()
        .map(OperationKind::as_str)
        .collect();
    let networks = key.ip_allowlist.entries().iter().copied();
    let shown = networks.map(AllowlistEntry::from).take(MAX_NETWORKS);
    let shown: Vec<String> = shown.map(|entry| entry.to_string()).collect();
    json!({
        "servers": ids(&key.scope.servers),
        "operations": operations,
        "registry_credentials": ids(&key.scope.registry_credentials),
        "ip_allowlist": shown,
        "ip_allowlist_entries": key.ip_allowlist.entries().len(),
        "ip_allowlist_sources": key.allowlist_sources,
        "rate_limit_per_minute": key.rate_limit_per_minute,
    })
}

fn ids<Id: Display>(scope: &Scope<Id>) -> Value {
    match scope {
        Scope::All => json!("all"),
        Scope::Only(ids) => ids.iter().map(ToString::to_string).collect(),
    }
}
