//! Registry credentials: `/api/registry-credentials`, and
//! `/mcp/tenants/{tid}/registry-credentials` (clients.md 3.3).

mod test_connection;

use axum::extract::State;
use reoclo_api_types::{
    NewRegistryCredentialRequest, RegistryCredentialBody, RegistryCredentialChangeRequest,
};
use reoclo_control::{
    Authorized, Control, MASKED_SECRET, Refusal, RegistryCredentialRecord, RegistryCredentialsRead,
    RegistryCredentialsWrite,
};
use reoclo_domain::RegistryCredentialId;

use crate::answer::{Answer, Created, List, NoContent};
use crate::body::JsonBody;
use crate::error::ApiError;
use crate::path::ItemId;
use crate::registrar::{Doc, Registrar};

const ALL: &str = "/registry-credentials";
const ONE: &str = "/registry-credentials/{id}";

pub(crate) fn add(registrar: Registrar) -> Registrar {
    let listed = Doc::new("List the organization's registry credentials, without their secrets.");
    let created =
        Doc::new("Keep a registry credential; its secret is sealed and never shown again.");
    let shown = Doc::new("One registry credential, without its secret.");
    let changed = Doc::new("Change a registry credential; where and as whom only with its secret.");
    let removed = Doc::new("Remove a registry credential.");
    let registrar = registrar
        .tenant_get(ALL, listed, list)
        .tenant_post(ALL, created, create)
        .tenant_get(ONE, shown, show)
        .tenant_patch(ONE, changed, change)
        .tenant_delete(ONE, removed, remove);
    test_connection::add(registrar)
}

async fn list(
    proof: Authorized<RegistryCredentialsRead>,
    State(control): State<Control>,
) -> Result<List<RegistryCredentialBody>, ApiError> {
    let records = control.registry_credentials().list(&proof).await?;
    Ok(List(records.into_iter().map(body).collect()))
}

async fn create(
    proof: Authorized<RegistryCredentialsWrite>,
    State(control): State<Control>,
    JsonBody(new): JsonBody<NewRegistryCredentialRequest>,
) -> Result<Created<RegistryCredentialBody>, ApiError> {
    let record = control.registry_credentials().create(&proof, new).await?;
    Ok(Created(body(record)))
}

async fn show(
    proof: Authorized<RegistryCredentialsRead>,
    State(control): State<Control>,
    id: ItemId,
) -> Result<Answer<RegistryCredentialBody>, ApiError> {
    let credentials = control.registry_credentials();
    let record = credentials.show(&proof, credential(&id)?).await?;
    Ok(Answer(body(record)))
}

async fn change(
    proof: Authorized<RegistryCredentialsWrite>,
    State(control): State<Control>,
    id: ItemId,
    JsonBody(change): JsonBody<RegistryCredentialChangeRequest>,
) -> Result<Answer<RegistryCredentialBody>, ApiError> {
    let credentials = control.registry_credentials();
    let record = credentials.change(&proof, credential(&id)?, change).await?;
    Ok(Answer(body(record)))
}

async fn remove(
    proof: Authorized<RegistryCredentialsWrite>,
    State(control): State<Control>,
    id: ItemId,
) -> Result<NoContent, ApiError> {
    let credentials = control.registry_credentials();
    credentials.remove(&proof, credential(&id)?).await?;
    Ok(NoContent)
}

fn credential(id: &ItemId) -> Result<RegistryCredentialId, Refusal> {
    id.parse("the registry credential")
}

fn body(record: RegistryCredentialRecord) -> RegistryCredentialBody {
    RegistryCredentialBody {
        id: record.id.to_string(),
        name: record.name.to_string(),
        registry_type: record.registry_type.to_string(),
        registry_url: record.registry_url.to_string(),
        username: record.username,
        description: record.description,
        encrypted_credential: MASKED_SECRET.into(),
        created_at: record.created_at.to_string(),
        updated_at: record.updated_at.at().to_string(),
    }
}
