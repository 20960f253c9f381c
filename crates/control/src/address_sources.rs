//! Published lists of networks, such as those of a CI provider's machines, that automation keys
//! may name in place of writing thousands of entries.
//!
//! A list is fetched over TLS, once an hour and whenever a person asks. An answer that fails, is
//! empty, or grew out of proportion changes nothing: the list before it stays in force, and says
//! so.

mod create;
mod fetch;
mod refresh;

use async_recursion::async_recursion as boxed;
use reoclo_domain::{AddressSourceId, OrganizationId, counted};
use reoclo_store::{AddressSourceRecord, AuditOutcome, NewAuditEvent, RemovedSource};
use serde_json::{Value, json};

use crate::audit::{AuditedAction, resource};
use crate::core::Core;
use crate::settings::Settings;
use crate::{Authorized, AutomationKeysManage, Caller, Refusal};

/// The most lists that an organization has.
const MAX_SOURCES: usize = 50;

const KIND: &str = "address_source";
const WHAT: &str = "the address list";

/// The published lists of networks that automation keys may name.
#[derive(Clone, Copy)]
pub struct AddressSources<'c> {
    pub(crate) core: &'c Core,
    pub(crate) settings: &'c Settings,
}

impl AddressSources<'_> {
    /// The organization's published lists, by name.
    #[boxed]
    pub async fn list(
        &self,
        proof: &Authorized<AutomationKeysManage>,
    ) -> Result<Vec<AddressSourceRecord>, Refusal> {
        let organization = proof.caller().organization();
        Ok(self.core.store().address_sources(organization).await?)
    }

    /// One of them.
    #[boxed]
    pub async fn show(
        &self,
        proof: &Authorized<AutomationKeysManage>,
        id: AddressSourceId,
    ) -> Result<AddressSourceRecord, Refusal> {
        self.find(proof.caller().organization(), id).await
    }

    /// Removes a list that no key names any more.
    #[boxed]
    pub async fn remove(
        &self,
        proof: &Authorized<AutomationKeysManage>,
        id: AddressSourceId,
    ) -> Result<(), Refusal> {
        let caller = proof.caller();
        let record = self.find(caller.organization(), id).await?;
        let event = self.source_event(
            caller,
            "address_source.remove",
            &record,
            json!({ "url": record.url, "entries": record.entries }),
        );
        let store = self.core.store();
        let removed = store.remove_address_source(caller.organization(), id, vec![event]);
        match removed.await.map_err(Refusal::of_write)? {
            RemovedSource::Removed => Ok(()),
            RemovedSource::Unknown => Err(Refusal::NotFound(WHAT)),
            RemovedSource::InUse(keys) => Err(Refusal::Conflict(format!(
                "{} {} this list: revoke {} first, since without it they could be used from \
                 nowhere",
                counted(keys, "automation key"),
                if keys == 1 { "names" } else { "name" },
                if keys == 1 { "it" } else { "them" },
            ))),
        }
    }

    async fn find(
        self,
        organization: OrganizationId,
        id: AddressSourceId,
    ) -> Result<AddressSourceRecord, Refusal> {
        let found = self.core.store().address_source(organization, id).await?;
        found.ok_or(Refusal::NotFound(WHAT))
    }

    fn source_event(
        self,
        caller: &Caller,
        action: &'static str,
        record: &AddressSourceRecord,
        detail: Value,
    ) -> NewAuditEvent {
        self.core.event_by(
            caller,
            audited(action, record, AuditOutcome::Success, detail),
        )
    }
}

fn audited(
    action: &'static str,
    record: &AddressSourceRecord,
    outcome: AuditOutcome,
    detail: Value,
) -> AuditedAction {
    AuditedAction {
        action,
        resource: resource(KIND, record.id, Some(record.name.as_str())),
        outcome,
        detail,
    }
}
