use axum::extract::State;
use reoclo_api_types::{
    AutomationKeyBody, IntegrationKeyBody, NewAutomationKeyRequest, NewIntegrationKeyRequest,
};
use reoclo_control::{
    Authorized, AutomationKeysManage, Control, IntegrationKeysManage, NewAutomationKeyForm,
    NewIntegrationKeyForm,
};

use super::created;
use crate::answer::Created;
use crate::body::JsonBody;
use crate::error::ApiError;

pub(super) async fn integration(
    proof: Authorized<IntegrationKeysManage>,
    State(control): State<Control>,
    JsonBody(request): JsonBody<NewIntegrationKeyRequest>,
) -> Result<Created<IntegrationKeyBody>, ApiError> {
    let form = NewIntegrationKeyForm {
        label: request.label,
        expires_in: request.expires_in,
        preset: request.preset,
        permissions: request.permissions.unwrap_or_default(),
        once: None,
    };
    created::<IntegrationKeysManage>(control.keys().create_integration(&proof, form).await?)
}

pub(super) async fn automation(
    proof: Authorized<AutomationKeysManage>,
    State(control): State<Control>,
    JsonBody(request): JsonBody<NewAutomationKeyRequest>,
) -> Result<Created<AutomationKeyBody>, ApiError> {
    let form = NewAutomationKeyForm {
        name: request.name,
        all_servers: request.all_servers.unwrap_or_default(),
        server_ids: request.server_ids.unwrap_or_default(),
        operations: request.operations,
        registry_credential_ids: request.registry_credential_ids.unwrap_or_default(),
        expires_in: request.expires_in,
        ip_allowlist: request.ip_allowlist.unwrap_or_default(),
        lists_registry_credentials: false,
        ip_allowlist_source_ids: request.ip_allowlist_source_ids.unwrap_or_default(),
        rate_limit_per_minute: request.rate_limit_per_minute,
        once: None,
    };
    created::<AutomationKeysManage>(control.keys().create_automation(&proof, form).await?)
}
