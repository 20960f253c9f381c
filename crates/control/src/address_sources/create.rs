//! Adding a published list, which has to be there.

use async_recursion::async_recursion as boxed;
use reoclo_api_types::NewAddressSourceRequest;
use reoclo_domain::{AddressSourceId, DisplayName};
use reoclo_store::AddressSourceRecord;
use serde_json::json;

use super::AddressSources;
use super::MAX_SOURCES;
use crate::outbound::OutboundUrl;
use crate::{Authorized, AutomationKeysManage, InvalidFields, Refusal};

const MAX_FIELD_CHARS: usize = 100;

impl AddressSources<'_> {
    /// Fetches a list and keeps it; one that cannot be fetched now is refused.
    #[boxed]
    pub async fn create(
        &self,
        proof: &Authorized<AutomationKeysManage>,
        form: NewAddressSourceRequest,
    ) -> Result<AddressSourceRecord, Refusal> {
        let caller = proof.caller();
        let organization = caller.organization();
        let (name, url, field) = checked(&form)?;
        if self.core.store().address_sources(organization).await?.len() >= MAX_SOURCES {
            return Err(Refusal::Conflict(format!(
                "there are {MAX_SOURCES} address lists, which is the most: remove one first"
            )));
        }
        let networks = self
            .fetch_networks(organization, &url, field.as_deref())
            .await?
            .map_err(|problem| Refusal::field("url", problem))?;
        let now = self.core.now();
        let record = AddressSourceRecord {
            id: AddressSourceId::new(self.core.clock(), self.core.entropy()),
            organization,
            name,
            url: form.url.trim().to_owned(),
            field,
            entries: u32::try_from(networks.len()).unwrap_or(u32::MAX),
            revision: 1,
            checked_at: now,
            fetched_at: now,
            problem: None,
            created_at: now,
        };
        let event = self.source_event(
            caller,
            "address_source.create",
            &record,
            json!({ "url": record.url, "field": record.field, "entries": record.entries }),
        );
        let store = self.core.store();
        let added = store.create_address_source(record.clone(), networks, vec![event]);
        added.await.map_err(Refusal::of_write)?;
        Ok(record)
    }
}

fn checked(
    form: &NewAddressSourceRequest,
) -> Result<(DisplayName, OutboundUrl, Option<String>), Refusal> {
    let mut invalid = InvalidFields::default();
    let name = form.name.parse::<DisplayName>();
    if let Err(problem) = &name {
        invalid.add("name", problem.to_string());
    }
    let url = OutboundUrl::parse(form.url.trim()).filter(|url| !url.is_plaintext());
    if url.is_none() {
        invalid.add(
            "url",
            "must be an https:// address without a user or password",
        );
    }
    let field = form.field.as_deref().map(str::trim);
    let field = field.filter(|field| !field.is_empty()).map(str::to_owned);
    let is_long = |field: &String| field.chars().count() > MAX_FIELD_CHARS;
    if field.as_ref().is_some_and(is_long) {
        invalid.add("field", "must be at most 100 characters");
    } else if field
        .as_ref()
        .is_some_and(|field| field.chars().any(reoclo_domain::is_deceptive))
    {
        invalid.add(
            "field",
            "must not contain control or text-direction characters",
        );
    }
    match (name, url) {
        (Ok(name), Some(url)) if invalid.fields().is_empty() => Ok((name, url, field)),
        _ => Err(Refusal::InvalidRequest(invalid)),
    }
}
