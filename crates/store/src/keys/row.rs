//! Keys as rows: one table holds both kinds, each with columns of its own.

use std::fmt::Display;
use std::str::FromStr;

use ipnet::IpNet;
use reoclo_domain::{
    Acl, AddressSourceId, Allowlist, AutomationScope, Cell, KeyKind, KeyLife, OperationKind,
    Preset, Scope,
};

use super::{AutomationKeyRecord, IntegrationKeyRecord, KeyRecord};
use crate::error::StoreError;
use crate::sql::{Record, unreadable};

/// Everything, now and later.
const ALL: &str = "*";
const ALLOWLIST: &str = "ip_allowlist";
const SOURCES: &str = "ip_allowlist_sources";

/// The columns that only one of the kinds has.
#[derive(Default)]
pub(super) struct KeyColumns {
    pub(super) preset: Option<&'static str>,
    pub(super) cells: Option<String>,
    pub(super) servers: Option<String>,
    pub(super) operations: Option<String>,
    pub(super) registry_credentials: Option<String>,
    pub(super) ip_allowlist: Option<String>,
    pub(super) ip_allowlist_sources: Option<String>,
    pub(super) rate_limit_per_minute: Option<u32>,
}

pub(super) fn columns(key: &KeyRecord) -> KeyColumns {
    match key {
        KeyRecord::Integration(key) => KeyColumns {
            preset: Some(key.preset.as_str()),
            cells: match key.preset {
                Preset::Custom(cells) => Some(list(cells.cells())),
                _ => None,
            },
            ..KeyColumns::default()
        },
        KeyRecord::Automation(key) => KeyColumns {
            servers: Some(scope(&key.scope.servers)),
            operations: Some(list(key.scope.operations.iter())),
            registry_credentials: Some(scope(&key.scope.registry_credentials)),
            ip_allowlist: Some(list(key.ip_allowlist.entries())),
            ip_allowlist_sources: sources(&key.allowlist_sources),
            rate_limit_per_minute: Some(key.rate_limit_per_minute),
            ..KeyColumns::default()
        },
    }
}

fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let texts: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    texts.join(" ")
}

/// NULL is none, as in the rows of the versions that had none.
fn sources(ids: &[AddressSourceId]) -> Option<String> {
    (!ids.is_empty()).then(|| list(ids))
}

fn scope<Id: Display>(scope: &Scope<Id>) -> String {
    match scope {
        Scope::All => ALL.to_owned(),
        Scope::Only(ids) => list(ids),
    }
}

impl KeyRecord {
    /// The key of a row with every column of the table.
    pub(super) fn read(row: &Record) -> Result<Self, StoreError> {
        match row.get("kind")? {
            KeyKind::Integration => IntegrationKeyRecord::read(row).map(Self::Integration),
            KeyKind::Automation => AutomationKeyRecord::read(row).map(Self::Automation),
        }
    }
}

impl IntegrationKeyRecord {
    pub(super) fn read(row: &Record) -> Result<Self, StoreError> {
        let cells: Option<String> = row.get("cells")?;
        let cells: Vec<Cell> = items(&cells.unwrap_or_default(), "cells")?;
        let cells: Acl = cells.into_iter().collect();
        Ok(Self {
            id: row.get("id")?,
            organization: row.get("organization_id")?,
            label: row.get("label")?,
            prefix: row.get("prefix")?,
            preset: Preset::from_name(&row.get::<String>("preset")?, cells)
                .ok_or_else(|| unreadable("preset"))?,
            creator: row.get("creator_id")?,
            life: life(row)?,
            created_at: row.get("created_at")?,
        })
    }
}

impl AutomationKeyRecord {
    pub(super) fn read(row: &Record) -> Result<Self, StoreError> {
        Self::read_listed(row, allowlist(row)?)
    }

    /// The key of a row whose networks were read elsewhere.
    pub(super) fn read_listed(row: &Record, ip_allowlist: Allowlist) -> Result<Self, StoreError> {
        let operations: Vec<OperationKind> =
            items(&row.get::<String>("operations")?, "operations")?;
        Ok(Self {
            id: row.get("id")?,
            organization: row.get("organization_id")?,
            name: row.get("label")?,
            prefix: row.get("prefix")?,
            scope: AutomationScope {
                servers: read_scope(row, "servers")?,
                operations: operations.into_iter().collect(),
                registry_credentials: read_scope(row, "registry_credentials")?,
            },
            ip_allowlist,
            allowlist_sources: items(
                &row.get::<Option<String>>(SOURCES)?.unwrap_or_default(),
                SOURCES,
            )?,
            rate_limit_per_minute: row.get("rate_limit_per_minute")?,
            creator: row.get("creator_id")?,
            life: life(row)?,
            created_at: row.get("created_at")?,
        })
    }
}

fn life(row: &Record) -> Result<KeyLife, StoreError> {
    Ok(KeyLife {
        expires_at: row.get("expires_at")?,
        revoked_at: row.get("revoked_at")?,
    })
}

fn read_scope<Id: FromStr>(row: &Record, column: &'static str) -> Result<Scope<Id>, StoreError> {
    match row.get::<String>(column)?.as_str() {
        ALL => Ok(Scope::All),
        ids => items(ids, column).map(Scope::Only),
    }
}

fn items<T: FromStr>(text: &str, column: &str) -> Result<Vec<T>, StoreError> {
    let items = text.split_ascii_whitespace().map(T::from_str);
    items
        .map(|item| item.map_err(|_| unreadable(column)))
        .collect()
}

/// The networks of a key's column.
pub(super) fn allowlist(row: &Record) -> Result<Allowlist, StoreError> {
    items::<IpNet>(&row.get::<String>(ALLOWLIST)?, ALLOWLIST).map(Allowlist::from)
}
