use axum::extract::State;
use http::StatusCode;
use reoclo_api_types::{
    ConnectionTestAnswer, ConnectionTestRequest, NewRegistryCredentialRequest,
    RegistryCredentialBody, RegistryCredentialChangeRequest,
};
use reoclo_control::{
    Authorized, ConnectionForm, ConnectionTest, Control, MASKED_SECRET, NewRegistryCredentialForm,
    Refusal, RegistryCredentialChange, RegistryCredentialRecord, RegistryCredentialsRead,
    RegistryCredentialsWrite,
};
use reoclo_domain::{RegistryCredentialId, Secret};

use crate::body::{JsonAnswer, JsonBody};
use crate::error::ApiError;
use crate::path::ItemId;

pub(super) async fn list(
    proof: Authorized<RegistryCredentialsRead>,
    State(control): State<Control>,
) -> Result<JsonAnswer<Vec<RegistryCredentialBody>>, ApiError> {
    let records = control.registry_credentials(&proof).await?;
    Ok(JsonAnswer::ok(records.into_iter().map(body).collect()))
}

pub(super) async fn create(
    proof: Authorized<RegistryCredentialsWrite>,
    State(control): State<Control>,
    JsonBody(request): JsonBody<NewRegistryCredentialRequest>,
) -> Result<JsonAnswer<RegistryCredentialBody>, ApiError> {
    let form = NewRegistryCredentialForm {
        secret: secret(request.encrypted_credential, request.password)?,
        name: request.name,
        registry_type: request.registry_type,
        registry_url: request.registry_url,
        username: request.username,
        description: request.description,
    };
    let record = control.create_registry_credential(&proof, form).await?;
    Ok(JsonAnswer(StatusCode::CREATED, body(record)))
}

pub(super) async fn show(
    proof: Authorized<RegistryCredentialsRead>,
    State(control): State<Control>,
    id: ItemId,
) -> Result<JsonAnswer<RegistryCredentialBody>, ApiError> {
    let record = control
        .registry_credential(&proof, credential(&id)?)
        .await?;
    Ok(JsonAnswer::ok(body(record)))
}

pub(super) async fn change(
    proof: Authorized<RegistryCredentialsWrite>,
    State(control): State<Control>,
    id: ItemId,
    JsonBody(request): JsonBody<RegistryCredentialChangeRequest>,
) -> Result<JsonAnswer<RegistryCredentialBody>, ApiError> {
    let change = RegistryCredentialChange {
        secret: secret(request.encrypted_credential, request.password)?,
        name: request.name,
        registry_type: request.registry_type,
        registry_url: request.registry_url,
        username: request.username,
        description: request.description,
    };
    let record = control
        .update_registry_credential(&proof, credential(&id)?, change)
        .await?;
    Ok(JsonAnswer::ok(body(record)))
}

pub(super) async fn remove(
    proof: Authorized<RegistryCredentialsWrite>,
    State(control): State<Control>,
    id: ItemId,
) -> Result<StatusCode, ApiError> {
    control
        .delete_registry_credential(&proof, credential(&id)?)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Always 200: that a login would fail is an answer (clients.md 3.3).
pub(super) async fn test_connection(
    proof: Authorized<RegistryCredentialsWrite>,
    State(control): State<Control>,
    JsonBody(request): JsonBody<ConnectionTestRequest>,
) -> Result<JsonAnswer<ConnectionTestAnswer>, ApiError> {
    let form = ConnectionForm {
        secret: secret(request.encrypted_credential, request.password)?,
        registry_type: request.registry_type,
        registry_url: request.registry_url,
        username: request.username,
    };
    let test = control.test_registry_connection(&proof, form).await?;
    Ok(JsonAnswer::ok(answer(test)))
}

pub(super) async fn test_kept_connection(
    proof: Authorized<RegistryCredentialsWrite>,
    State(control): State<Control>,
    id: ItemId,
) -> Result<JsonAnswer<ConnectionTestAnswer>, ApiError> {
    let (id, unchanged) = (credential(&id)?, RegistryCredentialChange::default());
    let test = control
        .test_kept_registry_connection(&proof, id, unchanged)
        .await?;
    Ok(JsonAnswer::ok(answer(test)))
}

fn answer(test: ConnectionTest) -> ConnectionTestAnswer {
    ConnectionTestAnswer {
        success: test.success,
        message: test.message,
        latency_ms: i64::try_from(test.latency.as_millis()).unwrap_or(i64::MAX),
    }
}

fn credential(id: &ItemId) -> Result<RegistryCredentialId, Refusal> {
    id.parse("the registry credential")
}

/// The secret under either of its names.
fn secret(credential: Option<String>, password: Option<String>) -> Result<Option<Secret>, Refusal> {
    if credential.is_some() && password.is_some() {
        let problem = "is the same as encrypted_credential: send one of the two";
        return Err(Refusal::field("password", problem));
    }
    Ok(credential.or(password).map(Secret::new))
}

fn body(record: RegistryCredentialRecord) -> RegistryCredentialBody {
    RegistryCredentialBody {
        id: record.id.to_string(),
        name: record.name.to_string(),
        registry_type: record.registry_type_name,
        registry_url: record.registry_url.to_string(),
        username: record.username,
        description: record.description,
        encrypted_credential: MASKED_SECRET.into(),
        created_at: record.created_at.to_string(),
        updated_at: record.updated_at.to_string(),
    }
}
