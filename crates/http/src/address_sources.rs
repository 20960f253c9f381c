//! Published lists of networks that automation keys may name: `/api/address-sources`.

use axum::extract::State;
use reoclo_api_types::{AddressSourceBody, NewAddressSourceRequest, RefreshAddressSourceRequest};
use reoclo_control::{AddressSourceRecord, Authorized, AutomationKeysManage, Control};

use crate::answer::{Answer, Created, List, NoContent};
use crate::body::{JsonBody, OptionalJsonBody};
use crate::error::ApiError;
use crate::path::ItemId;
use crate::registrar::{Doc, Registrar};

const WHAT: &str = "the address list";

pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar
        .get(
            "/api/address-sources",
            Doc::new("List the published lists of networks that automation keys may name."),
            list,
        )
        .post(
            "/api/address-sources",
            Doc::new("Add a published list of networks: it is fetched now and every hour."),
            create,
        )
        .get(
            "/api/address-sources/{id}",
            Doc::new("One published list of networks."),
            show,
        )
        .post(
            "/api/address-sources/{id}/refresh",
            Doc::new("Fetch a published list now; what came of it is in `problem`."),
            refresh,
        )
        .delete(
            "/api/address-sources/{id}",
            Doc::new("Remove a published list that no key names."),
            remove,
        )
}

async fn list(
    proof: Authorized<AutomationKeysManage>,
    State(control): State<Control>,
) -> Result<List<AddressSourceBody>, ApiError> {
    let records = control.address_sources().list(&proof).await?;
    Ok(List(records.into_iter().map(body).collect()))
}

async fn create(
    proof: Authorized<AutomationKeysManage>,
    State(control): State<Control>,
    JsonBody(request): JsonBody<NewAddressSourceRequest>,
) -> Result<Created<AddressSourceBody>, ApiError> {
    let record = control.address_sources().create(&proof, request).await?;
    Ok(Created(body(record)))
}

async fn show(
    proof: Authorized<AutomationKeysManage>,
    State(control): State<Control>,
    id: ItemId,
) -> Result<Answer<AddressSourceBody>, ApiError> {
    let record = control
        .address_sources()
        .show(&proof, id.parse(WHAT)?)
        .await?;
    Ok(Answer(body(record)))
}

async fn refresh(
    proof: Authorized<AutomationKeysManage>,
    State(control): State<Control>,
    id: ItemId,
    OptionalJsonBody(request): OptionalJsonBody<RefreshAddressSourceRequest>,
) -> Result<Answer<AddressSourceBody>, ApiError> {
    let id = id.parse(WHAT)?;
    let address_sources = control.address_sources();
    let refreshed = address_sources.refresh(&proof, id, request.accept_growth);
    Ok(Answer(body(refreshed.await?)))
}

async fn remove(
    proof: Authorized<AutomationKeysManage>,
    State(control): State<Control>,
    id: ItemId,
) -> Result<NoContent, ApiError> {
    control
        .address_sources()
        .remove(&proof, id.parse(WHAT)?)
        .await?;
    Ok(NoContent)
}

fn body(record: AddressSourceRecord) -> AddressSourceBody {
    AddressSourceBody {
        id: record.id.to_string(),
        name: record.name.to_string(),
        url: record.url,
        field: record.field,
        entries: record.entries,
        checked_at: record.checked_at.to_string(),
        fetched_at: record.fetched_at.to_string(),
        problem: record.problem,
        created_at: record.created_at.to_string(),
    }
}
