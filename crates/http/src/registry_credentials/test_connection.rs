//! Trying a registry credential. Always 200: that a login would fail is an answer (clients.md 3.3).

use axum::extract::State;
use reoclo_api_types::{
    ConnectionTestAnswer, ConnectionTestRequest, RegistryCredentialChangeRequest,
};
use reoclo_control::{Authorized, ConnectionTest, Control, RegistryCredentialsWrite};

use super::credential;
use crate::answer::Answer;
use crate::body::JsonBody;
use crate::error::ApiError;
use crate::path::ItemId;
use crate::registrar::{Doc, Registrar};

pub(super) fn add(registrar: Registrar) -> Registrar {
    registrar
        .tenant_post(
            "/registry-credentials/test-connection",
            Doc::new("Log in to a registry from here and tell what came of it."),
            of_new,
        )
        .post(
            "/api/registry-credentials/{id}/test-connection",
            Doc::new("Log in to the registry of a credential that is kept, from here."),
            of_kept,
        )
}

async fn of_new(
    proof: Authorized<RegistryCredentialsWrite>,
    State(control): State<Control>,
    JsonBody(request): JsonBody<ConnectionTestRequest>,
) -> Result<Answer<ConnectionTestAnswer>, ApiError> {
    let credentials = control.registry_credentials();
    let test = credentials.test_connection(&proof, request).await?;
    Ok(Answer(answer(test)))
}

async fn of_kept(
    proof: Authorized<RegistryCredentialsWrite>,
    State(control): State<Control>,
    id: ItemId,
) -> Result<Answer<ConnectionTestAnswer>, ApiError> {
    let (id, unchanged) = (credential(&id)?, RegistryCredentialChangeRequest::default());
    let credentials = control.registry_credentials();
    let test = credentials
        .test_kept_connection(&proof, id, unchanged)
        .await?;
    Ok(Answer(answer(test)))
}

fn answer(test: ConnectionTest) -> ConnectionTestAnswer {
    ConnectionTestAnswer {
        success: test.success,
        message: test.message,
        latency_ms: i64::try_from(test.latency.as_millis()).unwrap_or(i64::MAX),
    }
}
