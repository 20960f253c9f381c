//! Creating an automation key.

use std::collections::HashSet;
use std::fmt::Display;
use std::hash::Hash;
use std::str::FromStr;

use async_recursion::async_recursion as boxed;
use reoclo_domain::{
    AddressSourceId, AllowlistEntry, AutomationScope, DisplayName, Lifetime, MAX_ALLOWLIST_ENTRIES,
    OperationKind, OperationKinds, OrganizationId, RegistryCredentialId, Scope, ServerId,
};

use super::mint::{Blueprint, Power};
use super::{Keys, MintedKey, lifetime, person};
use crate::{Authorized, AutomationKeysManage, InvalidFields, Refusal};

const DEFAULT_RATE_LIMIT: u32 = 100;
const MAX_RATE_LIMIT: u32 = 10_000;
/// The most servers or credentials that a key lists.
const MAX_LISTED: usize = 1000;

const SERVERS: &str = "server_ids";
const CREDENTIALS: &str = "registry_credential_ids";
const ALLOWLIST: &str = "ip_allowlist";
const SOURCES: &str = "ip_allowlist_source_ids";
/// The most published lists that a key names.
const MAX_LISTED_SOURCES: usize = 5;

/// An automation key as a person wants it.
#[derive(Clone, Debug)]
pub struct NewAutomationKeyForm {
    /// 1 to 100 characters.
    pub name: String,
    /// Every server, also later ones.
    pub all_servers: bool,
    /// Else the ids of these.
    pub server_ids: Vec<String>,
    /// The names of the operations.
    pub operations: Vec<String>,
    /// The ids of registry credentials; none is every one, also later ones.
    pub registry_credential_ids: Vec<String>,
    /// Only the credentials that are listed are meant, so that none is a mistake.
    pub lists_registry_credentials: bool,
    /// `30d`, `90d`, `1y` or `never`, which is meant where nothing is said.
    pub expires_in: Option<String>,
    /// Addresses and networks; none, and no published list, is everywhere.
    pub ip_allowlist: Vec<String>,
    /// The ids of published lists of networks.
    pub ip_allowlist_source_ids: Vec<String>,
    /// Requests in any 60 seconds; 100 where nothing is said.
    pub rate_limit_per_minute: Option<i64>,
    /// The mark of the page's form, which makes one key however often it is sent.
    pub once: Option<String>,
}

impl Keys<'_> {
    /// Creates an automation key of the caller's organization.
    #[boxed]
    pub async fn create_automation(
        &self,
        proof: &Authorized<AutomationKeysManage>,
        form: NewAutomationKeyForm,
    ) -> Result<MintedKey, Refusal> {
        let person = person(proof)?;
        let maximum = self.maximum_lifetime(proof).await?;
        let mut invalid = InvalidFields::default();
        let label = form.name.parse::<DisplayName>();
        let label = noted("name", label, &mut invalid);
        let expires_in = form.expires_in.as_deref();
        let expires_in = expires_in.unwrap_or(Lifetime::Never.as_str());
        let lifetime = lifetime::chosen(expires_in, maximum, &mut invalid);
        let ip_allowlist = allowlist(&form.ip_allowlist, &mut invalid);
        let organization = proof.caller().organization();
        let allowlist_sources = self.sources(organization, &form, &mut invalid).await?;
        let rate_limit_per_minute = rate_limit(form.rate_limit_per_minute, &mut invalid);
        let scope = self.scope(organization, &form, &mut invalid).await?;
        invalid.into_result()?;
        let blueprint = Blueprint {
            label: label.map_or_else(String::new, |label| label.to_string()),
            lifetime,
            power: Power::Automation {
                scope,
                ip_allowlist,
                allowlist_sources,
                rate_limit_per_minute,
            },
        };
        self.create(proof.caller(), person, blueprint, maximum, form.once)
            .await
    }

    async fn sources(
        self,
        organization: OrganizationId,
        form: &NewAutomationKeyForm,
        invalid: &mut InvalidFields,
    ) -> Result<Vec<AddressSourceId>, Refusal> {
        let given = &form.ip_allowlist_source_ids;
        let ids: Vec<AddressSourceId> = listed(SOURCES, given, MAX_LISTED_SOURCES, invalid);
        if !ids.is_empty() {
            let known = self.0.store().address_sources(organization).await?;
            let is_known = |id: &AddressSourceId| known.iter().any(|source| source.id == *id);
            let unknown: Vec<_> = ids.iter().copied().filter(|id| !is_known(id)).collect();
            let is = "is not an address list of this organization";
            note_unknown(SOURCES, given, &unknown, is, invalid);
        }
        Ok(ids)
    }

    async fn scope(
        self,
        organization: OrganizationId,
        form: &NewAutomationKeyForm,
        invalid: &mut InvalidFields,
    ) -> Result<AutomationScope, Refusal> {
        let servers = servers(form, invalid);
        if let Scope::Only(ids) = &servers {
            let unknown = self.0.store().unknown_servers(organization, ids).await?;
            let is = "is not a server of this organization";
            note_unknown(SERVERS, &form.server_ids, &unknown, is, invalid);
        }
        let credentials = credentials(form, invalid);
        if let Scope::Only(ids) = &credentials {
            let store = self.0.store();
            let unknown = store
                .registry_credentials()
                .unknown(organization, ids)
                .await?;
            let is = "is not a registry credential of this organization";
            let given = &form.registry_credential_ids;
            note_unknown(CREDENTIALS, given, &unknown, is, invalid);
        }
        Ok(AutomationScope {
            servers,
            operations: operations(&form.operations, invalid),
            registry_credentials: credentials,
        })
    }
}

fn servers(form: &NewAutomationKeyForm, invalid: &mut InvalidFields) -> Scope<ServerId> {
    match (form.all_servers, form.server_ids.is_empty()) {
        (true, true) => return Scope::All,
        (true, false) => invalid.add(
            SERVERS,
            "cannot be combined with all_servers: leave one of them out",
        ),
        (false, true) => invalid.add(
            SERVERS,
            "must have at least one server: list some, or send all_servers: true",
        ),
        (false, false) => {}
    }
    Scope::Only(listed(SERVERS, &form.server_ids, MAX_LISTED, invalid))
}

/// What is empty now means every one for good, also when there is none left to list.
fn credentials(
    form: &NewAutomationKeyForm,
    invalid: &mut InvalidFields,
) -> Scope<RegistryCredentialId> {
    if form.registry_credential_ids.is_empty() {
        if form.lists_registry_credentials {
            invalid.add(
                CREDENTIALS,
                "must have at least one: tick a credential, or allow all credentials",
            );
        }
        return Scope::All;
    }
    let ids = &form.registry_credential_ids;
    Scope::Only(listed(CREDENTIALS, ids, MAX_LISTED, invalid))
}

fn operations(names: &[String], invalid: &mut InvalidFields) -> OperationKinds {
    let all = OperationKind::ALL.map(OperationKind::as_str).join(", ");
    if names.is_empty() {
        invalid.add("operations", format!("must have at least one of {all}"));
    }
    let kinds: Vec<OperationKind> = listed("operations", names, MAX_LISTED, invalid);
    kinds.into_iter().collect()
}

fn allowlist(entries: &[String], invalid: &mut InvalidFields) -> Vec<AllowlistEntry> {
    listed(ALLOWLIST, entries, MAX_ALLOWLIST_ENTRIES, invalid)
}

fn rate_limit(given: Option<i64>, invalid: &mut InvalidFields) -> u32 {
    let Some(given) = given else {
        return DEFAULT_RATE_LIMIT;
    };
    let limit = u32::try_from(given).ok();
    let limit = limit.filter(|limit| (1..=MAX_RATE_LIMIT).contains(limit));
    limit.unwrap_or_else(|| {
        invalid.add(
            "rate_limit_per_minute",
            format!("must be from 1 to {MAX_RATE_LIMIT}"),
        );
        DEFAULT_RATE_LIMIT
    })
}

/// The entries, each once. What is wrong with one is noted under `field[position]`.
fn listed<T: FromStr<Err: Display> + Copy + Eq + Hash>(
    field: &'static str,
    texts: &[String],
    most: usize,
    invalid: &mut InvalidFields,
) -> Vec<T> {
    if texts.len() > most {
        invalid.add(field, format!("must have at most {most} entries"));
        return Vec::new();
    }
    let (mut entries, mut known) = (Vec::new(), HashSet::new());
    for (position, text) in texts.iter().enumerate() {
        let entry: Option<T> = noted(format!("{field}[{position}]"), text.parse(), invalid);
        entries.extend(entry.filter(|entry| known.insert(*entry)));
    }
    entries
}

fn noted<T, E: Display>(
    field: impl Into<String>,
    parsed: Result<T, E>,
    invalid: &mut InvalidFields,
) -> Option<T> {
    match parsed {
        Ok(value) => Some(value),
        Err(problem) => {
            invalid.add(field, problem.to_string());
            None
        }
    }
}

/// Notes each of `texts` that is one of the unknown ids.
fn note_unknown<Id: FromStr + PartialEq>(
    field: &'static str,
    texts: &[String],
    unknown: &[Id],
    is: &str,
    invalid: &mut InvalidFields,
) {
    if unknown.is_empty() {
        return;
    }
    for (position, text) in texts.iter().enumerate() {
        if text.parse().is_ok_and(|id| unknown.contains(&id)) {
            invalid.add(format!("{field}[{position}]"), format!("({text}) {is}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> NewAutomationKeyForm {
        NewAutomationKeyForm {
            name: "deploy".into(),
            all_servers: false,
            server_ids: Vec::new(),
            operations: Vec::new(),
            registry_credential_ids: Vec::new(),
            lists_registry_credentials: false,
            expires_in: None,
            ip_allowlist: Vec::new(),
            ip_allowlist_source_ids: Vec::new(),
            rate_limit_per_minute: None,
            once: None,
        }
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn servers_are_all_or_some_and_never_none() {
        let id = "0190b6f2-6f0c-7cc3-98c5-d1a0c3b1f2aa";
        for (all_servers, ids, is_valid) in [
            (true, &[][..], true),
            (false, &[id, id], true),
            (false, &[], false),
            (true, &[id], false),
            (false, &["web-1"], false),
        ] {
            let mut invalid = InvalidFields::default();
            let form = NewAutomationKeyForm {
                all_servers,
                server_ids: texts(ids),
                ..form()
            };
            let scope = servers(&form, &mut invalid);
            assert_eq!(invalid.fields().is_empty(), is_valid, "{form:?}");
            if is_valid && !all_servers {
                assert_eq!(scope, Scope::Only(vec![id.parse().unwrap()]));
            }
        }
    }

    #[test]
    fn no_credential_is_all_of_them_unless_some_were_to_be_listed() {
        for (lists_registry_credentials, is_valid) in [(false, true), (true, false)] {
            let mut invalid = InvalidFields::default();
            let form = NewAutomationKeyForm {
                lists_registry_credentials,
                ..form()
            };
            credentials(&form, &mut invalid);
            assert_eq!(invalid.fields().is_empty(), is_valid);
        }
    }

    #[test]
    fn every_wrong_entry_is_named_by_its_place() {
        let mut invalid = InvalidFields::default();
        let entries = texts(&["10.0.0.0/8", "10.0.0.5/8", "::1", "home", "10.0.0.0/8"]);
        assert_eq!(allowlist(&entries, &mut invalid).len(), 2);
        let fields: Vec<_> = invalid.fields().iter().collect();
        assert_eq!(fields[0].0, "ip_allowlist[1]");
        assert!(fields[0].1.contains("use 10.0.0.0/8 or 10.0.0.5"));
        assert_eq!(fields[1].0, "ip_allowlist[3]");
        let mut invalid = InvalidFields::default();
        operations(&texts(&["exec", "fly", "exec"]), &mut invalid);
        assert!(
            invalid
                .to_string()
                .starts_with("operations[1] is not an operation")
        );
    }

    #[test]
    fn lists_and_limits_are_bounded() {
        let mut invalid = InvalidFields::default();
        let address = |number: u32| std::net::Ipv4Addr::from_bits(number).to_string();
        let entries: Vec<_> = (0..10_001).map(address).collect();
        allowlist(&entries[..10_000], &mut invalid);
        for given in [None, Some(1), Some(10_000)] {
            rate_limit(given, &mut invalid);
        }
        assert_eq!(invalid, InvalidFields::default());
        allowlist(&entries, &mut invalid);
        rate_limit(Some(10_001), &mut invalid);
        assert_eq!(
            invalid.to_string(),
            "ip_allowlist must have at most 10000 entries; rate_limit_per_minute must be from 1 to \
             10000"
        );
        let mut invalid = InvalidFields::default();
        for given in [0, -1, i64::MIN, i64::MAX] {
            rate_limit(Some(given), &mut invalid);
        }
        operations(&[], &mut invalid);
        assert_eq!(invalid.fields().len(), 2);
    }
}
