use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{
    AddressUsage, AuditFilter, AuditItem, AuditLogRequest, AuditLogsRead, Authorized,
    AutomationKeyRecord, AutomationKeysManage, Control, KeyRecord, ManagedKey, ServerRecord,
    ServersRead,
};
use reoclo_domain::{AddressSourceId, AllowlistEntry, Cell, OperationKind, Preset, Scope};
use reoclo_http::{ApiError, AppState, ItemId};

use super::entry::{Entry, server_names};
use super::people::AddedPerson;
use super::{KeyPages, key};
use crate::audit_logs::Line;
use crate::moment::Moment;
use crate::page::Page;
use crate::shell::{IfHeld, Shell};
use crate::words;

const RECENT: i64 = 20;

#[derive(Template)]
#[template(path = "keys/show.html")]
struct Show {
    name: &'static str,
    path: &'static str,
    id: String,
    entry: Entry,
    created: Moment,
    power: Power,
    usage: Vec<Usage>,
    recent: Vec<Line>,
    people: Vec<AddedPerson>,
    shell: Shell,
}

/// What the key may do, in words.
enum Power {
    Integration {
        title: &'static str,
        sentence: &'static str,
        lines: Vec<(&'static str, String)>,
        /// Cells that the preset has and the creator's role has not.
        is_cut: bool,
        /// Some of it opens nothing in this version.
        has_unserved: bool,
    },
    Automation {
        all_servers: bool,
        servers: Vec<String>,
        operations: Vec<(&'static str, &'static str, bool)>,
        all_credentials: bool,
        credentials: usize,
        uses_credentials: bool,
        allowlist: Vec<String>,
        /// The published address lists that it names.
        lists: Vec<String>,
        rate_limit: u32,
    },
}

struct Usage {
    address: String,
    user_agent: String,
    count: i64,
    first: Moment,
    last: Moment,
}

pub(super) async fn show<P: KeyPages>(
    proof: Authorized<P>,
    log: Authorized<AuditLogsRead>,
    (servers, lists): (Authorized<ServersRead>, IfHeld<AutomationKeysManage>),
    shell: Shell,
    State(state): State<AppState>,
    id: ItemId,
) -> Result<Response, ApiError> {
    let (control, key) = (state.control(), key::<P>(&id)?);
    let shown = control.keys().show(&proof, key).await?;
    let servers = control.servers().list(&servers).await?;
    let lists = lists_of(control, lists, &shown.key.key).await?;
    let recent = recent(control, &log, key.as_uuid()).await?;
    let people = control.keys().people(&proof, key).await?;
    let managed = &shown.key;
    let page = Show {
        name: P::NAME,
        path: P::PATH,
        id: key.as_uuid().to_string(),
        entry: Entry::of::<P>(managed, &servers, &shell),
        created: shell.moment(managed.key.created_at()),
        power: power(managed, &servers, lists, state.served()),
        usage: shown
            .usage
            .into_iter()
            .map(|used| usage(used, &shell))
            .collect(),
        recent: recent
            .into_iter()
            .map(|item| Line::of(item, &shell))
            .collect(),
        people: people.into_iter().map(AddedPerson::of).collect(),
        shell,
    };
    Ok(Page::ok(page).into_response())
}

async fn recent(
    control: &Control,
    log: &Authorized<AuditLogsRead>,
    key: uuid::Uuid,
) -> Result<Vec<AuditItem>, ApiError> {
    let request = AuditLogRequest {
        filter: AuditFilter {
            key: Some(key),
            ..AuditFilter::default()
        },
        page: 1,
        page_size: RECENT,
        as_of: None,
        before_seq: None,
        most_counted: Some(0),
    };
    Ok(control.audit_logs().list(log, request).await?.items)
}

/// The names of the published address lists that an automation key has.
async fn lists_of(
    control: &Control,
    IfHeld(proof): IfHeld<AutomationKeysManage>,
    key: &KeyRecord,
) -> Result<Vec<String>, ApiError> {
    let (Some(proof), KeyRecord::Automation(key)) = (proof, key) else {
        return Ok(Vec::new());
    };
    if key.allowlist_sources.is_empty() {
        return Ok(Vec::new());
    }
    let known = control.address_sources().list(&proof).await?;
    let name = |id: &AddressSourceId| {
        let found = known.iter().find(|list| list.id == *id);
        found.map_or_else(
            || "a list that was removed".to_owned(),
            |list| list.name.to_string(),
        )
    };
    Ok(key.allowlist_sources.iter().map(name).collect())
}

fn power(
    managed: &ManagedKey,
    servers: &[ServerRecord],
    lists: Vec<String>,
    served: reoclo_domain::Acl,
) -> Power {
    match &managed.key {
        KeyRecord::Integration(key) => integration(key.preset, managed, served),
        KeyRecord::Automation(key) => automation(key, servers, lists),
    }
}

fn integration(preset: Preset, managed: &ManagedKey, served: reoclo_domain::Acl) -> Power {
    let is_unserved = |cell: Cell| !served.contains(cell);
    Power::Integration {
        title: words::preset_title(preset),
        sentence: words::preset_sentence(preset),
        lines: words::acl_lines(managed.effective),
        is_cut: managed.effective != preset.acl(),
        has_unserved: managed.effective.cells().any(is_unserved),
    }
}

fn automation(key: &AutomationKeyRecord, servers: &[ServerRecord], lists: Vec<String>) -> Power {
    let scope = &key.scope;
    let credentials = match &scope.registry_credentials {
        Scope::All => None,
        Scope::Only(ids) => Some(ids.len()),
    };
    let operation = |kind: OperationKind| {
        let (sentence, is_built) = (words::operation_sentence(kind), words::is_built(kind));
        (kind.as_str(), sentence, is_built)
    };
    let allowlist = key
        .ip_allowlist
        .entries()
        .iter()
        .copied()
        .map(AllowlistEntry::from);
    Power::Automation {
        all_servers: scope.servers == Scope::All,
        servers: server_names(key, servers),
        operations: scope.operations.iter().map(operation).collect(),
        all_credentials: credentials.is_none(),
        credentials: credentials.unwrap_or_default(),
        uses_credentials: scope.operations.contains(OperationKind::RegistryLogin),
        allowlist: allowlist.map(|entry| entry.to_string()).collect(),
        lists,
        rate_limit: key.rate_limit_per_minute,
    }
}

fn usage(used: AddressUsage, shell: &Shell) -> Usage {
    Usage {
        address: used
            .ip
            .map_or_else(|| "other addresses".into(), |ip| ip.to_string()),
        user_agent: used.user_agent,
        count: used.count,
        first: shell.moment(used.first_used_at),
        last: shell.moment(used.last_used_at),
    }
}
